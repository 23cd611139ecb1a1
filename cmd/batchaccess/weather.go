package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// weatherHelp says what --weather takes.
var weatherHelp = `--weather makes the sandbox as slow and unreliable as Azure can be. It takes settings, ` +
	`separated by commas:
  seed=7           which of the possible courses the weather takes; the same one takes the same
  replication=2s   how long a new principal is unknown elsewhere
  propagation=3s   how long a new role assignment does not act yet, and a removed one still does; roles and groups that
                   change act as late. Azure: up to 10m
  identityTokens=6s  how long a managed identity stays in the groups that it was in, as its token is cached. Azure: up
                   to 24h
  latency=20ms     the most by which an answer is held back
  leastLatency=5ms the least
  throttling=0.1   share of the requests that are answered 429, and not done
  retryAfter=1s    what Retry-After then says
  faults=0.1       share of the requests that are answered 500 or 503, and not done
  lostAnswers=0.1  share of Resource Manager's changes that are done, and then answered 500
or stormy, for ` + azure.Stormy().String() + `,
of which settings change what they say: stormy,seed=7.`

// newWeather is a page of help, for whoever tests with the sandbox.
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
