package access

import (
	"cmp"
	"fmt"
	"time"

	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// Problems returns what is wrong with how an invoker by itself signs in; the paths are those of its own fields.
func (i Invoker) Problems() Problems {
	var v validator
	v.signIn("", i)
	return v.Problems
}

func (v *validator) signIn(path string, i Invoker) {
	v.code = problem.SignIn
	defer func() { v.code = "" }()
	federated, secrets := len(i.FederatedCredentials), len(i.ClientSecrets)
	if i.SignIn != "" && i.SignIn != signInNone {
		v.add(path+".signIn", `write "none", or leave it out and give federatedCredentials or clientSecrets`,
			"unknown value %q", i.SignIn)
	}
	if i.Kind != ServicePrincipal || i.Exists() {
		for _, given := range []struct {
			key string
			is  bool
		}{{"federatedCredentials", federated > 0}, {"clientSecrets", secrets > 0}, {"signIn", i.SignIn != ""}, {"displayName",
			i.DisplayName != "" && i.Kind != ManagedIdentity && i.Kind != Group}} {
			if given.is {
				v.add(path+"."+given.key, "leave it out, or let the stack make a service principal: kind servicePrincipal "+
					"without objectId", "only goes with a service principal that the stack makes")
			}
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
	if federated > maxFederatedCredentials {
		v.add(path+".federatedCredentials", fmt.Sprintf("Entra allows %d an application: split it in two",
			maxFederatedCredentials), "has %d credentials", federated)
	} else if cloud.Near(federated, maxFederatedCredentials) {
		v.warn(path+".federatedCredentials", "make a second service principal for what is to come",
			"has %d of the %d credentials that Entra allows an application", federated, maxFederatedCredentials)
	}
	renamed(v, path+".federatedCredentials", i.FederatedCredentials, func(f FederatedCredential) string { return f.Was })
	renamed(v, path+".clientSecrets", i.ClientSecrets, func(s ClientSecret) string { return s.Was })
	claims := map[[2]string]string{}
	for _, name := range sorted(i.FederatedCredentials) {
		at := path + ".federatedCredentials." + name
		v.credentialName(at, name)
		v.federated(at, i.FederatedCredentials[name])
		issuer, subject, _ := i.FederatedCredentials[name].Claims()
		if other := claims[[2]string{issuer, subject}]; other != "" {
			v.add(at, "keep one of the two", "has the same issuer and subject as %s", other)
		}
		claims[[2]string{issuer, subject}] = at
	}
	for _, name := range sorted(i.ClientSecrets) {
		v.name(path+".clientSecrets."+name, name)
		v.secret(path+".clientSecrets."+name, i.ClientSecrets[name])
	}
}

func (v *validator) secret(path string, s ClientSecret) {
	start, end, ps := s.Period()
	for _, p := range ps {
		v.add(path+"."+p.Path, p.Fix, "%s", p.What)
	}
	if len(ps) > 0 {
		return
	}
	days := func(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }
	switch life := end.Sub(start); {
	case life < minSecretLifetime:
		v.add(path+".endDate", "write an end at least one day after the start", "the secret would live for %s",
			cmp.Or(map[bool]string{true: "no time"}[life <= 0], life.String()))
	case life > maxSecretLifetime:
		v.add(path+".endDate", "write an end at most "+days(maxSecretLifetime)+" after the start, and rotate",
			"the secret would live for %s", days(life))
	}
}
