package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
)

// azName is the name of the Azure CLI's command.
const azName = "az"

// azCan is what the stand-in for the Azure CLI does.
const azCan = `This az is the sandbox's stand-in for the Azure CLI. It signs in at the sandbox and nowhere else, ` +
	`and can do this:
  az login [--username <name, user principal name or object ID>] [--password=<password>]
  az login --service-principal --username <client ID> --tenant <tenant ID> (--password=<secret> | ` +
	`--federated-token <token>)
  az login --identity [--client-id <client ID>]
  az account show
  az account get-access-token [--resource <audience> | --scope <audience>/.default] [--tenant <tenant ID>]
  az logout
each with [--query <key>] [--output json|tsv|none].`

// errAzUsage is the error of a call that the stand-in does not know.
type errAzUsage struct{ error }

// runAz is the Azure CLI's stand-in. Like the CLI, it exits with 2 for an unknown call, and with 1 for a failure.
func runAz(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if real := os.Getenv(installedAzVariable); real != "" && !ofPerson(args) {
		return passToInstalledAz(ctx, real, args, stdout, stderr)
	}
	root := newAz()
	root.SetArgs(args)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return dashed(cmd, args) }
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var failure *invoke.Failure
	var call errAzUsage
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failure):
		fmt.Fprintln(stderr, "ERROR:", failure)
		return exitFailed
	case errors.As(err, &call), strings.HasPrefix(err.Error(), "unknown "): // cobra has no type for these
		fmt.Fprintf(stderr, "ERROR: %v\n%s\n", err, azCan)
		return exitUsage
	}
	fmt.Fprintln(stderr, "ERROR:", err)
	return exitFailed
}

// dashed refuses a flag whose value is a separate argument that begins with a dash, as the CLI does: it reads that as
// another flag.
func dashed(cmd *cobra.Command, args []string) error {
	for i := range len(args) - 1 {
		var flag *pflag.Flag
		if name, long := strings.CutPrefix(args[i], "--"); long {
			flag = cmd.Flags().Lookup(name)
		} else if name, short := strings.CutPrefix(args[i], "-"); short && len(name) == 1 {
			flag = cmd.Flags().ShorthandLookup(name)
		}
		if flag != nil && flag.NoOptDefVal == "" && strings.HasPrefix(args[i+1], "-") {
			return errAzUsage{fmt.Errorf("argument %s: expected one argument; a value that begins with a dash is given as "+
				"--%s=<value>", args[i], flag.Name)}
		}
	}
	return nil
}

// azCall has the flags of one call.
type azCall struct {
	servicePrincipal, identity                   bool
	username, password, federatedToken, clientID string
	tenant, resource, scope, query, output       string
	noSubscriptions                              bool // accepted, without effect
}

func newAz() *cobra.Command {
	var c azCall
	root := &cobra.Command{
		Use: azName, Long: azCan, SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return errAzUsage{err} })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), azCan) })
	f := root.PersistentFlags()
	f.StringVarP(&c.output, "output", "o", "json", "")
	f.StringVar(&c.query, "query", "", "")
	group := &cobra.Command{Use: "account", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		return errAzUsage{fmt.Errorf("unknown command %q", "az account "+strings.Join(args, " "))}
	}}

	login := c.command("login", c.login)
	f = login.Flags()
	f.BoolVar(&c.servicePrincipal, "service-principal", false, "")
	f.BoolVarP(&c.identity, "identity", "i", false, "")
	f.StringVarP(&c.username, "username", "u", "", "")
	f.StringVarP(&c.password, "password", "p", "", "")
	f.StringVar(&c.federatedToken, "federated-token", "", "")
	f.StringVar(&c.clientID, "client-id", "", "")
	f.StringVarP(&c.tenant, "tenant", "t", "", "")
	f.BoolVar(&c.noSubscriptions, "allow-no-subscriptions", false, "")

	token := c.command("get-access-token", c.token)
	f = token.Flags()
	f.StringVar(&c.resource, "resource", "", "")
	f.StringVar(&c.scope, "scope", "", "")
	f.StringVarP(&c.tenant, "tenant", "t", "", "")

	group.AddCommand(c.command("show", c.show), token)
	root.AddCommand(login, c.command("logout", c.logout), group)
	return root
}

// command is a command whose answer is a value.
func (c *azCall) command(name string, do func(context.Context, *azCloud) (any, error)) *cobra.Command {
	return &cobra.Command{
		Use: name,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errAzUsage{fmt.Errorf("az %s takes no argument %q", name, args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cloud, err := findAzCloud(cmd.Context())
			if err != nil {
				return err
			}
			answer, err := do(cmd.Context(), cloud)
			if err != nil {
				return err
			}
			return c.print(cmd.OutOrStdout(), answer)
		},
	}
}

// login signs in, after it has tried that this works.
func (c *azCall) login(ctx context.Context, cloud *azCloud) (any, error) {
	a := account{Kind: userAccount, Tenant: c.tenant}
	switch {
	case c.servicePrincipal && c.identity:
		return nil, errAzUsage{errors.New("sign in either with --service-principal or with --identity")}
	case c.servicePrincipal:
		if c.username == "" || c.tenant == "" || (c.password == "") == (c.federatedToken == "") {
			return nil, errAzUsage{errors.New("a service principal signs in with --username, --tenant, and one of --password " +
				"and --federated-token")}
		}
		a.Kind, a.ID, a.Secret, a.FederatedToken = azure.AsServicePrincipal, c.username, c.password, c.federatedToken
	case c.identity:
		a.Kind, a.ID = azure.AsManagedIdentity, c.clientID
	default:
		user, err := chooseUser(c.username)
		if err != nil {
			return nil, err
		}
		if a.ID = user.ObjectID; c.password != "" {
			if _, err := cloud.userToken(ctx, user, c.password, cmp.Or(c.tenant, cloud.TenantID),
				cloud.ManagementAudience+"/.default"); err != nil {
				return nil, err
			}
		}
	}
	if _, err := cloud.token(ctx, a, cloud.ManagementAudience, ""); err != nil {
		return nil, err
	}
	if err := a.keep(); err != nil {
		return nil, err
	}
	shown, err := cloud.show(a)
	return []any{shown}, err
}

func (c *azCall) logout(context.Context, *azCloud) (any, error) { return nil, forgetAccount() }

func (c *azCall) show(_ context.Context, cloud *azCloud) (any, error) {
	a, err := readAccount()
	if err != nil {
		return nil, err
	}
	return cloud.show(a)
}

// token answers in the CLI's form since version 2.54: with expires_on, which does not depend on a time zone.
func (c *azCall) token(ctx context.Context, cloud *azCloud) (any, error) {
	a, err := readAccount()
	if err != nil {
		return nil, err
	}
	resource := cloud.ManagementAudience
	switch {
	case c.resource != "" && c.scope != "":
		return nil, errAzUsage{errors.New("give one of --resource and --scope")}
	case c.resource != "":
		resource = c.resource
	case c.scope != "":
		var ok bool
		if resource, ok = strings.CutSuffix(c.scope, "/.default"); !ok {
			return nil, errAzUsage{fmt.Errorf("--scope %s: write the audience followed by /.default", c.scope)}
		}
	}
	token, err := cloud.token(ctx, a, resource, c.tenant)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"accessToken": token.Token, "expiresOn": token.ExpiresOn.Local().Format("2006-01-02 15:04:05.000000"),
		"expires_on": token.ExpiresOn.Unix(), "subscription": cloud.subscription, "tenant": cloud.TenantID,
		"tokenType": "Bearer",
	}, nil
}

// print writes the answer, or the part that --query selects, in the requested form.
func (c *azCall) print(w io.Writer, answer any) error {
	if answer == nil || c.output == "none" {
		return nil
	}
	if c.query != "" {
		answer = choose(answer, c.query)
	}
	switch c.output {
	case "json", "jsonc":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(answer)
	case "tsv":
		if _, composed := answer.(map[string]any); composed || answer == nil {
			return errAzUsage{fmt.Errorf("--output tsv prints one value; choose it with --query, such as --query accessToken")}
		}
		_, err := fmt.Fprintln(w, answer)
		return err
	}
	return errAzUsage{fmt.Errorf("--output %s is not known", c.output)}
}

// choose follows a path of keys, such as user.name: the part of the Azure CLI's query language that scripts use to get
// a token or a tenant. It returns nil if there is nothing at the path.
func choose(answer any, query string) any {
	for _, key := range strings.Split(query, ".") {
		if list, ok := answer.([]any); ok {
			key, _ = strings.CutPrefix(key, "[0]")
			if len(list) == 0 || key != "" {
				return nil
			}
			answer = list[0]
			continue
		}
		object, _ := answer.(map[string]any)
		answer = object[key]
	}
	return answer
}
