package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// azurePropagation is for how long a role assignment may not act after it was made, as Azure documents it.
const azurePropagation = 10 * time.Minute

func newVerify() *cobra.Command {
	var from source
	var form form
	var to output
	var strict bool
	var since, keep string
	var wait, propagation time.Duration
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Ask Azure what each principal of a stack really has, and whether each path works",
		Long: `Verify asks Resource Manager and Microsoft Graph what the invokers and cluster identities of a deployed stack
have, wherever it comes from: assigned to them or to a group that they are in, at, above or below the stack's
scopes, less what deny assignments take away. Roles are judged by what they allow now, not by their names. For
each path of the matrix it says whether it works; then which grants are missing, and which assignments give more
than the stack needs. A path does not work whose endpoint, deployment, data store, container or cluster is not
there, whose endpoint runs on another cluster or uses another shared registry than the configuration says, whose
data store points elsewhere, whose container registry or own stores are opened in another way, whose principal is
disabled or deleted, or whose storage account forbids the keys or the anonymous reading that it needs. What
workspace.lookUp leaves to Azure is asked: the mode of the container registry too, which the preview can't. Roles
that are only eligible (PIM) are named and do not count.

An assignment that is listed may not act for up to 10 minutes, and one that is gone may still act: Azure does not
tell. So a path that depends on a younger one is settling, and --wait waits for it. What a condition decides is
undecided, and so is whether a cluster gets through the firewall or the private endpoint of a storage account, unless
the firewall names the cluster's subnet. POSIX ACLs and sign-in policies are not looked at.

A question that Azure does not answer costs its own answer: what depends on it is undecided, and the rest is reported.

With --since it also reports what is different from an earlier report, which --report wrote.

Where a subscription has used 80 % of its 4,000 role assignments, or the tenant of its 5,000 custom roles, it says so
and names the way down. Groups that the stack makes are asked for members whom it does not name.
What is beyond need is listed with where it leads: to keys, to what runs on clusters, to identities or role
assignments, as far as Azure's actions are known to lead there.
It finds the indirect ways that are open now. Whoever else holds a role at what the stack has, or above or below it,
is asked for too: who is in their groups, who owns those and their applications, and what they reach, by themselves or
indirectly. What it does not ask is named, and undecided: who holds roles of Entra and permissions of Microsoft Graph,
and what else runs as a managed identity. An assertion with how: byNoWay is held against all of that, and what is
undecided breaks it.
It lists who owns the groups, service principals and applications of invokers: who owns one can add members or
credentials, and so become the invoker. Owners do not change the exit code.
The federated credentials, client secrets and certificates of invokers that the stack makes are compared with those
that it declares: one that is not there fails, one more is beyond need. What has ended is left out.

` + previewHelp + `

It signs in as the deployer does (ARM_CLIENT_ID with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC;
ARM_USE_MSI; or the Azure CLI), and only reads: Reader on the resource groups
of workspace and storage accounts, and Directory.Read.All (or Directory Readers) for the groups.

It exits with 0 if all declared paths work or are settling, with 1 if something is missing, undecided or not answered,
or an assertion does not hold
(with --strict: or is beyond need; with --since: or is beyond need and was not then; with --wait: or has not settled
in time), and with 2 if it can't ask.`,
		Example: `  pulumi up --stack dev && batchaccess verify --stack dev --wait 15m
  batchaccess verify --stack prod --strict
  batchaccess verify --stack dev --json | jq '.excess[] | {principal, role, scope, risks}'
  batchaccess verify --stack dev --since yesterday.json --report today.json
  batchaccess sandbox -- batchaccess verify --stack dev --propagation 0s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := form.check(); err != nil {
				return err
			}
			if wait < 0 || propagation < 0 {
				return errors.New("--wait and --propagation are durations of zero or more, such as 15m")
			}
			var earlier *verify.Report
			if cmd.Flags().Changed("since") {
				var err error
				if earlier, err = earlierReport(since); err != nil {
					return err
				}
			}
			s, err := from.deployed(cmd)
			if err != nil {
				return err
			}
			for _, w := range s.model().Ends(time.Now()) {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			report, err := s.verified(cmd, wait, propagation)
			if err != nil {
				return err
			}
			if earlier != nil {
				if err := report.Compare(*earlier); err != nil {
					return fmt.Errorf("--since %s: %w", since, err)
				}
			}
			err = to.print(cmd, "report", func(w io.Writer) error {
				if form.format == "json" {
					return verify.WriteJSON(w, report)
				}
				return verify.WriteTable(w, report)
			})
			if err != nil {
				return err
			}
			if keep != "" {
				var text bytes.Buffer
				err := errors.Join(verify.WriteJSON(&text, report), wholefile.Write(keep, text.Bytes()))
				if err != nil {
					return fmt.Errorf("--report %s: %v", keep, err)
				}
			}
			if report.Failed(strict) || wait > 0 && !report.Settled() {
				return errFailed
			}
			return nil
		},
	}
	from.flags(cmd)
	componentFlag(cmd, &from.component)
	form.flags(cmd, "table", "json")
	to.flags(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 if anything is granted beyond need")
	cmd.Flags().StringVar(&since, "since", "", "file with an earlier report (--report) to compare with")
	cmd.Flags().StringVar(&keep, "report", "", "file to write the report to as well, as JSON, for a later --since")
	cmd.Flags().DurationVar(&wait, "wait", 0, "ask again until every declared path acts for sure, for at most this "+
		"long, such as 15m")
	cmd.Flags().DurationVar(&propagation, "propagation", azurePropagation,
		"for how long an assignment may not act after it was made")
	return cmd
}

// verified asks Azure, for at most so long until all has settled.
func (s *stackOf) verified(cmd *cobra.Command, wait, propagation time.Duration) (verify.Report, error) {
	ctx := cmd.Context()
	subjects, observer, err := s.observer(cmd)
	if err != nil {
		return verify.Report{}, err
	}
	look := func(ctx context.Context) (verify.Report, error) {
		facts, err := observer.Look(ctx, s.model(), subjects)
		if err != nil {
			return verify.Report{}, err
		}
		return verify.Judge(s.title(), s.Parts[0].Plan, subjects, facts, propagation)
	}
	report, err := verify.Wait(ctx, wait, look, func(r verify.Report, pause time.Duration) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s; asking again in %s\n", r.Verdict(), pause.Round(time.Second))
	})
	if err != nil {
		return report, err
	}
	report.Limits, err = observer.Limits(ctx, s.model())
	return report, err
}

// observer asks Azure, as whoever deploys, about the principals of the stack.
func (s *stackOf) observer(cmd *cobra.Command) ([]verify.Subject, *verify.Observer, error) {
	client, err := asDeployer(cmd, s.model().Environment) // first: Pulumi takes longer to say what is wrong
	if err != nil {
		return nil, nil, err
	}
	subjects, err := s.subjects(cmd.Context(), cmd)
	return subjects, verify.New(client), err
}

// earlierReport reads the file of --since.
func earlierReport(name string) (*verify.Report, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--since: %v; write one with batchaccess verify --report", err)
	}
	defer func() { _ = file.Close() }()
	r, err := verify.ReadReport(file)
	if err != nil {
		return nil, fmt.Errorf("--since %s: %w", name, err)
	}
	return &r, nil
}

// asDeployer asks Azure as whoever deploys. The error is none of invoke's: the exit code is this command's own.
func asDeployer(cmd *cobra.Command, environment string) (*azure.Client, error) {
	failed := func(err error) (*azure.Client, error) { return nil, fmt.Errorf("can't ask Azure: %v", err) }
	client, err := clientOfCloud()
	if err != nil {
		return failed(err)
	}
	signIn, err := azure.Deployer(os.Getenv, client)
	if err != nil {
		return failed(err)
	}
	c, err := cloudOf(cmd.Context(), client, environment)
	if err != nil {
		return failed(err)
	}
	credential, err := signIn.Credential(c, client)
	if err != nil {
		return failed(err)
	}
	return azure.NewClient(credential, c, client, logger(cmd)), nil
}

// subjects are the principals of the stack: the IDs are in its configuration, and those of what it makes in its
// outputs.
func (s *stackOf) subjects(ctx context.Context, cmd *cobra.Command) ([]verify.Subject, error) {
	deployed, err := s.outputs(ctx, cmd, false)
	if err != nil {
		return nil, err
	}
	if len(deployed.PrincipalIDs) == 0 {
		return nil, fmt.Errorf("stack %s has no output principalIds, so it is not deployed; run pulumi up first", s.name)
	}
	var all []verify.Subject
	for _, name := range slices.Sorted(maps.Keys(s.model().Invokers)) {
		if id := deployed.PrincipalIDs[name]; id != "" {
			all = append(all, verify.Subject{Principal: access.InvokerPrincipal(name), ID: id,
				Kind: s.model().Invokers[name].Kind})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.model().Clusters)) {
		if id := deployed.ClusterPrincipalIDs[name]; id != "" {
			all = append(all, verify.Subject{Principal: access.ClusterPrincipal(name), ID: id, Kind: access.ManagedIdentity})
		}
	}
	return all, nil
}
