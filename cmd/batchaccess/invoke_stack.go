package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// openStack reads the stack; nil if the flags need none.
func (i *invocation) openStack(cmd *cobra.Command) (*stackOf, error) {
	if i.stack == "" && i.preview == "" && i.invoker == "" && (i.uri != "" || i.workspace != "") {
		return nil, nil
	}
	s, err := i.source.deployed(cmd)
	if err != nil && i.stack == "" {
		return nil, fmt.Errorf("%w; or do without a stack: give --uri, or --workspace and --endpoint", err)
	}
	return s, err
}

// chooseEndpoint decides on workspace, endpoint and deployment.
func (i *invocation) chooseEndpoint(s *stackOf) error {
	if s != nil {
		if s.model().WorkspaceID.Later() && i.workspace == "" {
			return errors.New("workspaceId is encrypted in the stack's configuration; write it in plain text, for it is no " +
				"secret, or give --workspace")
		}
		i.workspace = cmp.Or(i.workspace, s.model().WorkspaceID.Text())
		names := slices.Sorted(maps.Keys(s.model().EffectiveEndpoints()))
		switch {
		case i.uri != "":
		case i.endpoint == "" && len(names) == 1:
			i.endpoint = names[0]
		case i.endpoint == "":
			return fmt.Errorf("name an endpoint with --endpoint; %s", problem.DidYouMean("", names))
		case !slices.Contains(names, i.endpoint) && i.workspace == s.model().WorkspaceID.Text():
			return fmt.Errorf("--endpoint %s: stack %s has no such endpoint; %s, or name another workspace with --workspace",
				i.endpoint, s.name, problem.DidYouMean(i.endpoint, names))
		}
		i.deployment = cmp.Or(i.deployment, s.model().EffectiveEndpoints()[i.endpoint].Deployment)
	}
	if i.workspace != "" {
		if _, err := arm.Parse(i.workspace, arm.Workspace); err != nil {
			return fmt.Errorf("the workspace: %w", err)
		}
	}
	if i.uri == "" && i.endpoint == "" {
		return errors.New("name an endpoint with --endpoint, or give its address with --uri")
	}
	return nil
}

// warnOfFailure warns on standard error if the job would fail by the stack's plan. The job is started nevertheless: the
// user may want to see Azure's answer.
func (i *invocation) warnOfFailure(cmd *cobra.Command, s *stackOf) {
	if s == nil || i.invoker == "" || i.endpoint == "" {
		return
	}
	for _, p := range s.Parts[0].Plan.Paths() {
		asked := len(i.inputs) == 0 || slices.Contains(i.inputs, p.Input)
		if p.Invoker == i.invoker && p.Endpoint == i.endpoint && asked && !p.Works() && !p.Undecided() {
			fmt.Fprintf(cmd.ErrOrStderr(), "by the plan of stack %s a job of %s on %s with %s %s\n", s.name, p.Invoker,
				p.Target(),
				p.InputName(), p.Outcome())
		}
	}
}

// signsIn decides who invokes: by the flags, the stack's invoker, and Azure's own variables, in this order.
func (i *invocation) signsIn(ctx context.Context, cmd *cobra.Command, s *stackOf) (azure.SignIn, error) {
	in := i.signIn
	in.TenantID = cmp.Or(in.TenantID, os.Getenv("AZURE_TENANT_ID"))
	if i.secret != "" {
		var err error
		if in.ClientSecret, err = readSecret(i.stdin, "secret"); err != nil {
			return in, err
		}
	}
	if i.invoker != "" {
		if err := s.signsIn(ctx, cmd, i.invoker, &in); err != nil {
			return in, err
		}
	}
	if in.As == "" && in.ClientSecret+in.CertificateFile+in.FederatedTokenFile != "" {
		in.As = azure.AsServicePrincipal
	}
	if in.As == azure.AsServicePrincipal {
		fromVariables(&in)
	}
	return in, nil
}

// fromVariables completes a service principal from the variables that Azure's clients share. A proof in them is for
// AZURE_CLIENT_ID, if that is set, and for no other principal.
func fromVariables(in *azure.SignIn) {
	owner := os.Getenv("AZURE_CLIENT_ID")
	in.ClientID = cmp.Or(in.ClientID, owner)
	in.CertificatePassword = os.Getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD")
	if in.ClientSecret+in.CertificateFile+in.FederatedTokenFile != "" || owner != "" && owner != in.ClientID {
		return
	}
	for _, proof := range []struct {
		variable string
		field    *string
	}{
		{"AZURE_CLIENT_SECRET", &in.ClientSecret},
		{"AZURE_CLIENT_CERTIFICATE_PATH", &in.CertificateFile},
		{"AZURE_FEDERATED_TOKEN_FILE", &in.FederatedTokenFile},
	} {
		if *proof.field = os.Getenv(proof.variable); *proof.field != "" {
			return
		}
	}
}

// signsIn takes from the stack how one of its invokers signs in.
func (s *stackOf) signsIn(ctx context.Context, cmd *cobra.Command, name string, in *azure.SignIn) error {
	invoker, ok := s.model().Invokers[name]
	if !ok {
		return fmt.Errorf("--as-invoker %s: stack %s has no such invoker; %s", name, s.name,
			problem.DidYouMean(name, slices.Sorted(maps.Keys(s.model().Invokers))))
	}
	if len(invoker.Members) > 0 {
		return fmt.Errorf("--as-invoker %s: is a group that the stack makes, and nobody signs in as a group; give one of "+
			"its members: %s", name, strings.Join(invoker.Members, ", "))
	}
	switch invoker.Kind {
	case access.User, access.Group:
		in.As = azure.AsUser
		return useAzureCLIOf(s.name, name)
	case access.ManagedIdentity:
		in.As = azure.AsManagedIdentity
		if len(invoker.FederatedCredentials) > 0 {
			in.FederatedTokenFile = cmp.Or(in.FederatedTokenFile, os.Getenv("AZURE_FEDERATED_TOKEN_FILE"),
				federatedTokenOf(s.name, name, invoker))
		}
		if in.FederatedTokenFile != "" { // then the identity need not be attached to this host
			in.As = azure.AsServicePrincipal
		}
	default:
		in.As = azure.AsServicePrincipal
	}
	in.ClientID = cmp.Or(in.ClientID, invoker.ClientID.Text())
	if invoker.Kind == access.ManagedIdentity && in.ClientID == "" {
		in.ObjectID = invoker.PrincipalID.Text() // "" for an identity that the stack makes
	}
	secret := current(invoker.ClientSecrets)
	if secret == "" && in.ClientSecret+in.CertificateFile+in.FederatedTokenFile == "" {
		in.FederatedTokenFile = federatedTokenOf(s.name, name, invoker)
	}
	wanted := secret != "" && in.ClientSecret+in.CertificateFile+in.FederatedTokenFile == ""
	if in.ClientID+in.ObjectID != "" && !wanted {
		return nil
	}
	deployed, err := s.outputs(ctx, cmd, wanted)
	if err != nil {
		return err
	}
	if wanted {
		in.ClientSecret = deployed.ClientSecrets[name][secret]
	}
	in.ClientID = cmp.Or(in.ClientID, deployed.ClientIDs[name])
	if in.ClientID == "" && in.As == azure.AsManagedIdentity {
		in.ObjectID = deployed.PrincipalIDs[name] // a system-assigned identity, looked up by its resource
	}
	if in.ClientID+in.ObjectID == "" {
		return fmt.Errorf("--as-invoker %s: stack %s has no client ID of it; deploy it with pulumi up, or give --client-id",
			name, s.name)
	}
	return nil
}

// current returns the name of the valid secret with the latest end; "" if none is valid now.
func current(secrets map[string]signin.ClientSecret) string {
	name, until := "", time.Time{}
	for _, key := range slices.Sorted(maps.Keys(secrets)) {
		start, end, wrong := secrets[key].Period()
		if now := time.Now(); wrong == nil && !now.Before(start) && now.Before(end) && end.After(until) {
			name, until = key, end
		}
	}
	return name
}

// outputs reads the stack's principals from its state, with their secrets if secrets is set.
func (s *stackOf) outputs(ctx context.Context, cmd *cobra.Command, secrets bool) (engine.Deployed, error) {
	if s.project.dir == "" {
		return engine.Deployed{}, fmt.Errorf("only the state of stack %s says who its principals are; name the folder of "+
			"project %s with -C", s.name, s.Project)
	}
	pulumi, err := findPulumi(ctx, s.project, s.name, cmd.ErrOrStderr())
	if err != nil {
		return engine.Deployed{}, err
	}
	return pulumi.Deployed(ctx, s.Parts[0].URN, secrets)
}
