package verify

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/azure"
)

// The kinds of secrets that one may sign in with.
const (
	clientSecret = "client secret"
	certificate  = "certificate"
)

// A secret is Microsoft Graph's answer about a client secret or a certificate: never its value.
type secret struct {
	Name  string    `json:"displayName"`
	Start time.Time `json:"startDateTime"`
	End   time.Time `json:"endDateTime"`
	kind  string
}

// keyed has the secrets of an application or a service principal.
type keyed struct {
	Passwords []secret `json:"passwordCredentials"`
	Keys      []secret `json:"keyCredentials"`
}

func (k keyed) secrets() (all []secret) {
	for _, of := range []struct {
		kind string
		list []secret
	}{{clientSecret, k.Passwords}, {certificate, k.Keys}} {
		for _, s := range of.list {
			s.kind = of.kind
			all = append(all, s)
		}
	}
	return all
}

// secrets returns those of a service principal and of its application, both of which sign in as it.
func (o *Observer) secrets(ctx context.Context, s Subject) (all []secret, err error) {
	const fields = "passwordCredentials,keyCredentials"
	asking := "asking for the client secrets of " + s.Principal.String()
	path := collections[s.Kind] + url.PathEscape(s.ID)
	var own keyed
	if _, err := o.client.Get(ctx, azure.Graph, path+"?$select=id,"+fields, &own); err != nil {
		return nil, failed(asking, readGroups, err)
	}
	all = own.secrets()
	applications, err := o.applications(ctx, path)
	if err != nil {
		return nil, failed(asking, readGroups, err)
	}
	for _, application := range applications {
		var of keyed
		at := "/applications/" + url.PathEscape(application.ID) + "?$select=id," + fields
		if _, err := o.client.Get(ctx, azure.Graph, at, &of); err != nil {
			return nil, failed(asking, readGroups, err)
		}
		all = append(all, of.secrets()...)
	}
	return all, nil
}

// valid returns the secrets that have not ended: nobody signs in with one that has.
func valid(all []secret, now time.Time) []secret {
	return slices.DeleteFunc(slices.Clone(all), func(s secret) bool { return !s.End.IsZero() && !s.End.After(now) })
}

// called returns the secret's name in ways.
func (s secret) called() string { return strings.TrimSpace(s.kind + " " + s.Name) }

// heldSecrets compares an invoker's secrets that have not ended with the declared ones. A renamed secret keeps its
// first name in Entra, so it is found by its dates first, and then by its name.
func heldSecrets(invoker string, declared map[string]signin.ClientSecret, has []secret, now time.Time) (all []SignIn) {
	left := valid(has, now)
	var missing []string
	take := func(name string, fits func(secret) bool) bool {
		start, end, _ := declared[name].Period() // checked
		at := slices.IndexFunc(left, func(s secret) bool {
			return s.kind == clientSecret && s.Start.Equal(start) && s.End.Equal(end) && fits(s)
		})
		if at >= 0 {
			left = slices.Delete(left, at, at+1)
		}
		return at >= 0
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if !take(name, func(s secret) bool { return s.Name == name }) {
			missing = append(missing, name)
		}
	}
	for _, name := range missing {
		_, end, _ := declared[name].Period()
		if end.After(now) && !take(name, func(secret) bool { return true }) {
			all = append(all, SignIn{Invoker: invoker, Secret: clientSecret, Name: name, Ends: end.Format(time.RFC3339)})
		}
	}
	for _, s := range left {
		ends := ""
		if !s.End.IsZero() {
			ends = s.End.UTC().Format(time.RFC3339)
		}
		all = append(all, SignIn{Invoker: invoker, Secret: s.kind, Name: s.Name, Ends: ends, Extra: true})
	}
	slices.SortStableFunc(all, func(a, b SignIn) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// passwords compares the client secrets of an invoker that the stack makes with the declared ones, and returns how many
// of those are missing.
func (o *Observer) passwords(ctx context.Context, invoker access.Invoker, s Subject, f *Facts) (lacks int) {
	has, err := o.secrets(ctx, s)
	if f.unanswered(err) != "" {
		return 0
	}
	for _, one := range heldSecrets(s.Principal.Name, invoker.ClientSecrets, has, f.Asked) {
		if !one.Extra {
			lacks++
		}
		f.SignIns = append(f.SignIns, one)
	}
	return lacks
}
