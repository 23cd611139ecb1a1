// Package lookup asks Azure for what a configuration names without its ID or details: whose ID a name is, whether a
// data store holds a credential and where it points, on which cluster an endpoint's jobs run. It asks through the
// providers of the stack, while the program runs, so that a preview knows the answers. It does not know what is done
// with them.
//
// A question without an answer is a problem.Problem at the path of the configuration, with the remedy. Everything that
// a look-up finds can be written into the configuration instead; then nothing is asked.
package lookup

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// azureNativeVersion is the one version of the provider for all its resources and for the look-ups.
const azureNativeVersion = "2.92.3"

// NativeOptions select the azure-native version of resources and look-ups without an explicit provider: the caller's
// version, if the options have one.
func NativeOptions(given *pulumi.ResourceOptions) []pulumi.ResourceOrInvokeOption {
	all := []pulumi.ResourceOrInvokeOption{pulumi.Version(cmp.Or(given.Version, azureNativeVersion))}
	if given.PluginDownloadURL != "" {
		all = append(all, pulumi.PluginDownloadURL(given.PluginDownloadURL))
	}
	return all
}

// An Asker asks Azure. Several goroutines may use it at once.
type Asker struct {
	ctx       *pulumi.Context
	workspace arm.ID
	native    []pulumi.InvokeOption
	entra     []pulumi.InvokeOption
}

// New makes an Asker for a workspace. It asks through the providers that a resource with these options would have.
func New(ctx *pulumi.Context, workspaceID access.ID, opts ...pulumi.ResourceOption) (*Asker, error) {
	given, err := pulumi.NewResourceOptions(opts...)
	if err != nil {
		return nil, fmt.Errorf("reading resource options: %w", err)
	}
	a := &Asker{ctx: ctx}
	for _, o := range NativeOptions(given) {
		a.native = append(a.native, o)
	}
	if given.Parent != nil {
		a.native = append(a.native, pulumi.Parent(given.Parent))
		a.entra = append(a.entra, pulumi.Parent(given.Parent))
	}
	providers := given.Providers
	if given.Provider != nil {
		providers = append(providers, given.Provider)
	}
	for _, p := range providers {
		of, err := packageOf(ctx.Context(), p)
		if err != nil {
			return nil, err
		}
		switch of {
		case "azure-native":
			a.native = append(a.native, pulumi.Provider(p))
		case "azuread":
			a.entra = append(a.entra, pulumi.Provider(p))
		}
	}
	if !workspaceID.Later() {
		a.workspace, err = arm.Parse(workspaceID.Text(), arm.Workspace)
	}
	return a, err
}

// packageOf returns the package of a provider. Its URN, which has its type, is known as soon as it is registered.
func packageOf(ctx context.Context, p pulumi.ProviderResource) (string, error) {
	urns := make(chan string, 1)
	p.URN().ApplyT(func(urn pulumi.URN) string {
		urns <- string(urn)
		return ""
	})
	select {
	case urn := <-urns:
		_, after, _ := strings.Cut(urn, "pulumi:providers:")
		of, _, _ := strings.Cut(after, "::")
		return of, nil
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for a provider: %w", ctx.Err())
	}
}

// elsewhere is the problem with an answer from another subscription than meant: a provider looks in its own, where the
// same names may exist.
func elsewhere(path, answered, meant string) access.Problems {
	parts := strings.SplitN(strings.Trim(answered, "/"), "/", 3)
	if len(parts) < 3 || strings.EqualFold(parts[1], meant) {
		return nil
	}
	return problem(path, "set azure-native:subscriptionId to "+meant+", or give the component a provider of that "+
		"subscription",
		"was looked up in subscription %s, where the provider looks, and is meant to be in %s", parts[1], meant)
}

// problem returns a problem at a path of the configuration.
func problem(path, fix, what string, args ...any) access.Problems {
	return access.Problems{{Path: path, What: fmt.Sprintf(what, args...), Fix: fix}}
}

// denial matches the providers' errors for a 403: a name that is looked up may have those digits too.
var denial = regexp.MustCompile(`Authorization_RequestDenied|AuthorizationFailed|403 Forbidden|` +
	`(?i:(?:status(?:code)?|response|answered)\W{0,2}403\b)`)

// refused explains a look-up that failed: which permission to give if it was denied, and what to write instead.
// Providers have no codes for their errors, so their texts are searched for Azure's.
func refused(path, what string, err error, permission, instead string) access.Problems {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if denial.MatchString(text) {
		return problem(path, "give whoever deploys "+permission+", or "+instead, "%s can't be looked up: no permission (%s)",
			what, text)
	}
	return problem(path, instead, "%s can't be looked up: %s", what, text)
}
