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

// azurePropagation is how long a new role assignment may not act, by Azure's documentation.
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
		Long: `Verify asks Resource Manager and Microsoft Graph which roles the invokers and cluster identities of a
deployed stack have: assigned to them or to a group that they are in, at, above or below the stack's scopes, less what
deny assignments take away. It judges roles by what they allow now, not by their names. It says for each path of the
matrix whether it works; then which grants are missing, and which assignments give more than the stack needs.

A path does not work if its endpoint, deployment, data store, container or cluster does not exist; if its endpoint runs
on another cluster or uses another shared registry than the configuration says; if its data store points to another
place; if its container registry or the workspace's own stores are opened in another way; if its principal is disabled
or deleted; or if its storage account forbids the keys or the anonymous reading that it needs. Verify also asks for what
workspace.lookUp leaves to Azure, and for the mode of the container registry, which a preview can't ask for. Roles for
which a principal is only eligible (PIM) are named and do not count.

A new assignment may not act for up to 10 minutes, and a deleted one may still act: Azure does not say. So a path that
depends on a newer one is settling, and --wait waits for it. A path that depends on a condition is undecided. So is
whether a cluster gets through the firewall or the private endpoint of a storage account, unless the firewall names the
cluster's subnet. Verify does not look at POSIX ACLs and sign-in policies.

If Azure does not answer a question, what depends on it is undecided, and the rest is reported.

With --since it also reports the difference to an earlier report, which --report wrote.

If a subscription has used 80 % of its 4,000 role assignments, or the tenant of its 5,000 custom roles, verify says so
and how to use fewer. In groups that the stack makes, it looks for members that the stack does not name. For access
beyond need it says where it leads: to keys, to what runs on clusters, to identities or role assignments, as far as that
is known of Azure's actions. It lists the owners of the groups, service principals and applications of invokers: an
owner can add members or credentials, and so become the invoker. Owners do not change the exit code. For invokers that
the stack makes, it compares federated credentials, client secrets and certificates with the declared ones: a missing
one fails, an additional one is beyond need. Those that have ended are left out.

Verify finds the indirect ways that are open now. It also asks for everybody else who holds a role at, above or below
what the stack has, and for whoever becomes somebody else by a role of Entra or by a permission of Microsoft Graph: who
is in their groups, who owns those and their applications, and what they reach, directly or indirectly. It names what it
does not ask for, which is undecided: what else runs as a managed identity. Roles that are to be activated (PIM) are
undecided. An assertion with how: byNoWay is checked against all of that, and is violated by what is undecided. The ways
are found, and not walked.

` + previewHelp + `

It signs in as the deployer does (ARM_CLIENT_ID with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC;
ARM_USE_MSI; or the Azure CLI), and only reads. It needs Reader on the resource groups of workspace and storage
accounts, and Directory.Read.All (or Directory Readers) for the groups. Who may activate roles of Entra and membership
in groups, it asks with RoleManagement.Read.Directory and PrivilegedEligibilitySchedule.Read.AzureADGroup (or Global
Reader); without them it says so, and the indirect ways that depend on it are undecided.

It exits with 0 if all declared paths work or are settling, with 1 if something is missing, undecided or not answered
or an assertion does not hold, and with 2 if it can't ask. It also exits with 1 if something is beyond need (--strict),
has become so since the earlier report (--since), or has not settled in time (--wait).`,
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
	cmd.Flags().DurationVar(&wait, "wait", 0, "ask again until every declared path certainly acts, for at most this "+
		"long, such as 15m")
	cmd.Flags().DurationVar(&propagation, "propagation", azurePropagation,
		"how long a new assignment may not act")
	return cmd
}

// verified asks Azure until everything has settled, for at most wait.
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

// observer asks Azure, with the deployer's sign-in, about the principals of the stack.
func (s *stackOf) observer(cmd *cobra.Command) ([]verify.Subject, *verify.Observer, error) {
	client, err := asDeployer(cmd, s.model().Environment) // first, because Pulumi takes longer to report an error
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

// asDeployer makes a client with the deployer's sign-in. Its error has none of invoke's exit codes.
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

// subjects returns the principals of the stack, with the IDs in its configuration and, for what it makes, in its
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
