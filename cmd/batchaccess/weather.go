package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// weatherHelp explains --weather.
var weatherHelp = `--weather makes the sandbox as slow and unreliable as Azure can be. It takes settings, ` +
	`separated by commas:
  seed=7           selects one course of events; the same seed gives the same course
  replication=2s   how long a new principal is unknown elsewhere
  propagation=3s   how long a new role assignment does not act yet, and a removed one still acts; so for changes of
                   roles and groups. Azure: up to 10m
  identityTokens=6s  how long a managed identity keeps its old groups, because its token is cached. Azure: up to 24h
  identityWrites=4s  the time in which a managed identity takes one write of a federated credential, a subscription
                   eight and a tenant forty; more is answered with 429. Azure: 4s
  latency=20ms     the longest delay of an answer
  leastLatency=5ms the shortest delay
  throttling=0.1   share of requests that are answered with 429, and not done
  retryAfter=1s    the value of Retry-After then
  faults=0.1       share of requests that are answered with 500 or 503, and not done
  lostAnswers=0.1  share of Resource Manager's changes that are done, and then answered with 500
or stormy, for ` + azure.Stormy().String() + `,
of which settings change what they say: stormy,seed=7.`

// newWeather is a hidden page of help about testing with the sandbox.
func newWeather() *cobra.Command {
	return &cobra.Command{
		Use: "weather", Short: "Print what --weather takes, of rehearse and sandbox", Hidden: true, Args: cobra.NoArgs,
		Example: "  batchaccess weather",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), weatherHelp)
			return err
		},
	}
}

func addWeather(cmd *cobra.Command, weather *string) {
	cmd.Flags().StringVar(weather, "weather", "", "bad weather: stormy, or settings "+
		"such as propagation=3s,faults=0.1,seed=7; batchaccess weather explains them (default: calm)")
}
