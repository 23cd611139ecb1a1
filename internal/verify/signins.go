package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
)

const (
	readFederated = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read"
)

// A SignIn is a credential of an invoker that the stack makes, if Azure and the configuration differ: a declared
// credential that is missing lets nobody in; another one lets others in as the invoker.
type SignIn struct {
	Invoker string `json:"invoker"`
	// Secret is client secret or certificate; "" for a federated credential, which alone has issuer, subject and
	// audience.
	Secret string `json:"secret,omitempty"`
	// Name of the credential in the configuration, or in Azure if the configuration has none.
	Name     string `json:"name"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"` // "" if an expression matches the tokens
	Audience string `json:"audience"`
	Ends     string `json:"ends,omitempty"` // of a secret; RFC 3339
	Extra    bool   `json:"extra"`          // Azure has it, and the configuration does not
}

// String says what is different.
func (s SignIn) String() string {
	who := map[bool]string{true: "is beyond need", false: "is not there"}[s.Extra]
	if s.Secret != "" {
		return fmt.Sprintf("invoker %s: %s %s %s: it ends %s", s.Invoker, s.Secret, cmp.Or(s.Name, "of no name"), who,
			cmp.Or(s.Ends, "never"))
	}
	return fmt.Sprintf("invoker %s: federated credential %s %s: %s of %s for %s", s.Invoker, s.Name, who,
		cmp.Or(s.Subject, "whatever an expression matches"), s.Issuer, s.Audience)
}

// A federated is Microsoft Graph's answer about a federated credential.
type federated struct {
	Name      string   `json:"name"`
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

// signIns compares the credentials of an invoker that the stack makes with the declared ones. For an invoker that
// exists before the stack, others declare them.
func (o *Observer) signIns(ctx context.Context, m access.Model, s Subject, f *Facts) {
	invoker := m.Invokers[s.Principal.Name]
	var has []federated
	var err error
	switch {
	case s.Kind == access.ServicePrincipal:
		has, err = o.ofApplications(ctx, s)
	case s.Kind == access.ManagedIdentity:
		has, err = o.ofIdentity(ctx, s, f)
	default:
		return
	}
	exists := s.Principal.IsCluster() || invoker.Exists()
	if errors.Is(err, errNoResource) && exists {
		return // Microsoft Graph always gives it; the sandbox does not for one that was seeded without it
	}
	if f.unanswered(err) != "" {
		return
	}
	if exists {
		for _, one := range has {
			f.Trusted = append(f.Trusted, Trust{Of: s.ID, Name: s.Principal.Name, Issuer: one.Issuer, Subject: one.Subject})
		}
		if s.Kind == access.ServicePrincipal {
			keys, err := o.secrets(ctx, s)
			f.unanswered(err)
			for _, one := range valid(keys, f.Asked) {
				f.Trusted = append(f.Trusted, Trust{Of: s.ID, Name: s.Principal.Name, Secret: one.called()})
			}
		}
		return
	}
	claims := func(issuer, subject string, audiences ...string) string {
		return strings.Join(append([]string{issuer, subject}, audiences...), "\n")
	}
	there, declared := map[string]bool{}, map[string]bool{}
	for _, one := range has {
		there[claims(one.Issuer, one.Subject, one.Audiences...)] = true
	}
	lacks := 0
	if s.Kind == access.ServicePrincipal {
		lacks = o.passwords(ctx, invoker, s, f)
	}
	for _, name := range slices.Sorted(maps.Keys(invoker.FederatedCredentials)) {
		issuer, subject, audience := invoker.FederatedCredentials[name].InCloud(m.ExchangeAudience()).Claims()
		declared[claims(issuer, subject, audience)] = true
		if !there[claims(issuer, subject, audience)] {
			lacks++
			f.SignIns = append(f.SignIns, SignIn{Invoker: s.Principal.Name, Name: name, Issuer: issuer, Subject: subject,
				Audience: audience})
		}
	}
	for _, one := range has {
		if !declared[claims(one.Issuer, one.Subject, one.Audiences...)] {
			f.SignIns = append(f.SignIns, SignIn{Invoker: s.Principal.Name, Name: one.Name, Issuer: one.Issuer,
				Subject: one.Subject, Audience: strings.Join(one.Audiences, " and "), Extra: true})
		}
	}
	// A managed identity also signs in on a host that it is attached to.
	if declares := len(invoker.FederatedCredentials) + len(invoker.ClientSecrets); s.Kind == access.ServicePrincipal &&
		lacks > 0 && lacks == declares && f.Gone[s.Principal] == "" {
		f.Gone[s.Principal] = "a way to sign in: none of its credentials is there; run pulumi refresh and pulumi up"
	}
}

func (o *Observer) ofApplications(ctx context.Context, s Subject) (all []federated, err error) {
	asking := "asking for the federated credentials of " + s.Principal.String()
	applications, err := o.applications(ctx, collections[s.Kind]+url.PathEscape(s.ID))
	if err != nil {
		return nil, failed(asking, readGroups, err)
	}
	for _, application := range applications {
		has, _, err := azure.List[federated](ctx, o.client, azure.Graph, "/applications/"+url.PathEscape(application.ID)+
			"/federatedIdentityCredentials")
		if err != nil {
			return nil, failed(asking, readGroups, err)
		}
		all = append(all, has...)
	}
	return all, nil
}

// ofIdentity asks Resource Manager, which has the federated credentials of managed identities. The directory says where
// the identity is (Microsoft Graph, servicePrincipal: alternativeNames).
func (o *Observer) ofIdentity(ctx context.Context, s Subject, f *Facts) (all []federated, err error) {
	asking := "asking for the federated credentials of " + s.Principal.String()
	var answer struct {
		Names []string `json:"alternativeNames"`
	}
	_, err = o.client.Get(ctx, azure.Graph, collections[s.Kind]+url.PathEscape(s.ID)+"?$select=id,alternativeNames",
		&answer)
	if err != nil {
		return nil, failed(asking, readGroups, err)
	}
	for _, name := range answer.Names {
		if _, err := arm.Parse(name, arm.UserAssignedIdentity); err != nil {
			continue
		}
		f.Resources[strings.ToLower(s.ID)] = name
		type resource struct {
			Name       string    `json:"name"`
			Properties federated `json:"properties"`
		}
		has, err := list[resource](ctx, o, asking, readFederated, azure.Version(name+"/federatedIdentityCredentials",
			azure.IdentityVersion, ""))
		for _, one := range has {
			one.Properties.Name = one.Name
			all = append(all, one.Properties)
		}
		return all, err
	}
	if len(answer.Names) > 0 {
		return nil, nil // the identity of a resource takes none (facts/federation.md, Rules)
	}
	return nil, fmt.Errorf("%s: %w", asking, errNoResource)
}

var errNoResource = errors.New("the directory does not say which resource it is (alternativeNames)")
