package access

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// Problems returns what is wrong with how an invoker signs in, looked at alone; the paths are names of its own fields.
func (i Invoker) Problems() Problems {
	var v validator
	v.signIn("", i)
	return v.Problems
}

func (v *validator) signIn(path string, i Invoker) {
	v.code = problem.SignIn
	defer func() { v.code = "" }()
	v.caller(path, i)
	federated, secrets := len(i.FederatedCredentials), len(i.ClientSecrets)
	if i.SignIn != "" && i.SignIn != signInNone {
		v.add(path+".signIn", `write "none", or leave it out and give federatedCredentials or clientSecrets`,
			"unknown value %q", i.SignIn)
	}
	if i.Kind != ServicePrincipal || i.Exists() {
		for _, given := range []struct {
			key string
			is  bool
		}{{"clientSecrets", secrets > 0}, {"signIn", i.SignIn != ""}, {"displayName",
			i.DisplayName != "" && i.Kind != ManagedIdentity && i.Kind != Group}} {
			if given.is {
				v.add(path+"."+given.key, "leave it out, or let the stack make a service principal: kind servicePrincipal "+
					"without objectId", "only goes with a service principal that the stack makes")
			}
		}
		switch made := i.Kind == ManagedIdentity && !i.Exists(); {
		case federated > 0 && !made:
			v.add(path+".federatedCredentials", "leave it out, or let the stack make what signs in: kind servicePrincipal "+
				"or managedIdentity, without the ID or name of one that exists",
				"only goes with a service principal or a managed identity that the stack makes")
		case federated > 0:
			v.federatedCredentials(path, i)
			v.identityCredentials(path, i)
		}
		return
	}
	switch {
	case i.SignIn == signInNone && federated+secrets > 0:
		v.add(path+".signIn", "leave out signIn, or the credentials", `is "none", but credentials are given`)
	case i.SignIn == "" && federated+secrets == 0:
		v.add(path, `give federatedCredentials (preferred) or clientSecrets, or say signIn: none`,
			"the service principal has no way to sign in")
	}
	if secrets > maxClientSecrets {
		v.add(path+".clientSecrets", fmt.Sprintf("keep %d: an old one and its successor", maxClientSecrets), "has %d secrets",
			secrets)
	}
	renamed(v, path+".clientSecrets", i.ClientSecrets, func(s signin.ClientSecret) string { return s.Was })
	v.federatedCredentials(path, i)
	for _, name := range sorted(i.ClientSecrets) {
		v.name(path+".clientSecrets."+name, name)
		v.take(i.ClientSecrets[name].Problems().Below(path + ".clientSecrets." + name))
	}
}

// credentialForm is the form of a federated credential's name in Entra (facts/federation.md, Rules).
var credentialForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`)

// credentialName checks the name of a federated credential in Entra.
func (v *validator) credentialName(path, name string) {
	if !credentialForm.MatchString(name) {
		v.add(path, "use 3 to 120 letters, digits, hyphens and underscores, beginning with a letter or digit",
			"the name %q can't be that of a federated credential", name)
	}
}

// federatedCredentials checks those of one application or one managed identity: the rules are the same for both
// (facts/federation.md, Rules).
func (v *validator) federatedCredentials(path string, i Invoker) {
	of, another := "an application", "a second service principal"
	if i.Kind == ManagedIdentity {
		of, another = "a managed identity", "a second managed identity"
	}
	if n := len(i.FederatedCredentials); n > maxFederatedCredentials {
		v.add(path+".federatedCredentials", fmt.Sprintf("Entra allows %d for %s: split it in two",
			maxFederatedCredentials, of), "has %d credentials", n)
	} else if cloud.NearLimit(n, maxFederatedCredentials) {
		v.warn(path+".federatedCredentials", "make "+another+" for what is to come",
			"has %d of the %d credentials that Entra allows for %s", n, maxFederatedCredentials, of)
	}
	renamed(v, path+".federatedCredentials", i.FederatedCredentials,
		func(f signin.FederatedCredential) string { return f.Was })
	claims := map[[2]string]string{}
	for _, name := range sorted(i.FederatedCredentials) {
		at := path + ".federatedCredentials." + name
		v.credentialName(at, name)
		v.take(i.FederatedCredentials[name].Problems().Below(at))
		issuer, subject, audience := i.FederatedCredentials[name].Claims()
		elsewhere := v.m.Invokers != nil && !v.isExchangeAudience(audience) && (&validator{}).isExchangeAudience(audience)
		if i.Kind == ServicePrincipal && elsewhere {
			v.warn(at+".audience", "leave it out for "+v.m.ExchangeAudience(), "is %s, with which tokens are exchanged in "+
				"another cloud", audience)
		}
		if other := claims[[2]string{issuer, subject}]; other != "" {
			v.add(at, "keep one of the two", "has the same issuer and subject as %s", other)
		}
		claims[[2]string{issuer, subject}] = at
	}
}

// identityCredentials checks what is different for the federated credentials of a managed identity: they are resources
// of Resource Manager, whose names are compared without regard to case, and which have no description.
func (v *validator) identityCredentials(path string, i Invoker) {
	names := map[string]string{}
	for _, name := range sorted(i.FederatedCredentials) {
		f, at := i.FederatedCredentials[name], path+".federatedCredentials."+name
		if other := names[strings.ToLower(name)]; other != "" {
			v.add(at, "give one of the two another name", "differs from %s in letter case alone, which Azure does not see",
				other)
		}
		names[strings.ToLower(name)] = name
		if f.Description != "" {
			v.add(at+".description", "leave it out", "only goes with a service principal: Azure keeps no description with "+
				"the federated credential of a managed identity")
		}
		if _, _, audience := f.Claims(); !v.isExchangeAudience(audience) {
			v.warn(at, "if sign-in fails, have the issuer ask for "+v.m.ExchangeAudience()+", or make a service principal",
				"has the audience %q; of managed identities only %s is documented (facts/federation.md)", audience,
				v.m.ExchangeAudience())
		}
	}
}

// isExchangeAudience reports whether an audience is the recommended one of the model's cloud; for an invoker without a
// model, of any cloud.
func (v *validator) isExchangeAudience(audience string) bool {
	if v.m.Invokers != nil {
		return audience == v.m.ExchangeAudience()
	}
	return slices.ContainsFunc(cloud.All(), func(c cloud.Cloud) bool { return c.ExchangeAudience == audience })
}
