package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// checker decides, from a model and what it grants, whether a principal gains what an assertion is about.
type checker struct {
	explainer
	pathsOf map[string][]Path  // by invoker
	ways    []Way              // only where an assertion asks about ways
	becomes map[Principal]bool // the identities that ways lead to
	// Where stages lead, and what they read and write by place in Model.data(): worked out once for all who get there.
	stepsFrom map[stage][]step
	endsFrom  map[stage][]ended
	// startsOf is whether principals start jobs at all: worked out once for all data.
	startsOf map[Principal]started
	// What the invokers' role opens of the storage accounts in its scope. known is Model.Role.Known.
	known, writesBlobs, readsBlobs, opensAccounts bool
}

// A started is the answer of startsAny.
type started struct {
	how  string
	able bool
}

func newChecker(p *Plan) checker {
	c := checker{explainer: newExplainer(p, p.Grants), pathsOf: map[string][]Path{}, startsOf: map[Principal]started{},
		known: p.Model.Role.Known()}
	ps := c.role.Permissions
	c.writesBlobs = !c.known || ps.MayAllow(roles.Action{Name: roles.WriteBlobs, Data: true})
	c.readsBlobs = !c.known || ps.MayAllow(roles.Action{Name: roles.ReadBlobs, Data: true})
	c.opensAccounts = c.readsBlobs || slices.ContainsFunc(roles.RiskyActions(roles.ReadsSecrets),
		func(a roles.Action) bool { return strings.HasPrefix(a.Name, "Microsoft.Storage/") && ps.MayAllow(a) })
	return c
}

// gains answers Can strictly, and Cannot and Only cautiously: what must be possible has to work to its end, and no part
// may work of what must not be possible.
func (c checker) gains(a Assertion, p Principal) (how string, able bool) {
	switch {
	case a.Do != "":
		return c.does(p, a.Do, a.Can == nil)
	case a.Can == nil && a.Start != "":
		return c.starts(p, a.Start)
	case a.Can == nil:
		if how, able = c.reaches(p, a.Read); able || a.How != byNoWay {
			return how, able
		}
		return c.goes(p, a.Read)
	case p.IsCluster():
		return c.mounts(p, a.Read)
	default:
		return c.works(a, p)
	}
}

// works reports, for Start, whether jobs on the endpoint work with every input; for Read, whether a job with the input
// works on any endpoint that reads it.
func (c checker) works(a Assertion, p Principal) (how string, able bool) {
	how = "no endpoint reads " + a.Read
	for _, path := range c.pathsOf[p.Name] {
		if a.Start != "" && path.Endpoint != a.Start || a.Read != "" && path.Input != a.Read {
			continue
		}
		hop := path.FailsAt()
		switch {
		case hop == nil && a.Read != "":
			return "a job on " + path.Target() + " reads it", true
		case hop == nil:
			how, able = "jobs on "+a.Start+" work", true
		default:
			how = fmt.Sprintf("a job on %s%s %s", path.Target(), with(path.Input), path.Outcome())
			if a.Start != "" {
				return how, false
			}
		}
	}
	return how, able
}

// goes reports whether somebody reaches an input indirectly, as a Way.
func (c checker) goes(p Principal, input string) (how string, able bool) {
	for _, w := range c.ways {
		if w.Input == input && slices.Contains(w.Who, p.asserted()) {
			return w.how(), true
		}
	}
	return "no way that is known here", false
}

func with(input string) string {
	if input == "" {
		return ""
	}
	return " with " + input
}

// startsAny reports whether a principal may start jobs on any endpoint of the model. Where the role holds for all
// endpoints, it asks for one.
func (c checker) startsAny(p Principal) (how string, able bool) {
	of, done := c.startsOf[p]
	if !done {
		of.how, of.able = c.startsSome(p)
		c.startsOf[p] = of
	}
	return of.how, of.able
}

func (c checker) startsSome(p Principal) (how string, able bool) {
	if !c.Model.Role.ByEndpoint() {
		return c.starts(p, "")
	}
	for _, endpoint := range sorted(c.endpointsOf(p)) { // at no other does it have the role
		if how, able = c.starts(p, endpoint); able {
			return how, able
		}
	}
	return "may not start jobs", false
}

func (c checker) starts(p Principal, endpoint string) (how string, able bool) {
	switch hop := c.invoke(p.Name, endpoint); {
	case hop.Undecided:
		return "may start jobs by " + hop.Missing, true
	case hop.Missing == "":
		return "starts jobs by " + hop.GivenBy, true
	default:
		return "may not start jobs", false
	}
}

func (c checker) mounts(p Principal, input string) (how string, able bool) {
	d := c.Model.DataInputs[input]
	switch d.Mechanism() {
	case ByStoreCredential:
		return "the store's own credential opens " + input, false
	case ByAnyone:
		return "anyone may read " + input, true
	}
	at := d.place(c.Model.kinds())
	hop := Hop{Needs: roles.StorageBlobDataReader + " on " + at.Scope().String()}
	c.decide(&hop, p, at, roles.ReadBlobs)
	if hop.Missing != "" {
		return "needs " + hop.Missing, false
	}
	return "mounts it by " + hop.GivenBy, true
}

// reaches reports whether a principal can get at any part of an input.
func (c checker) reaches(p Principal, input string) (how string, able bool) {
	if how, able = c.granted(p, input, true); able {
		return how, able
	}
	return c.acled(p, input)
}

// acled reports whether an ACL opens an input to a principal. The plan asks for the ACL; the user has to set it.
func (c checker) acled(p Principal, input string) (how string, able bool) {
	d := c.Model.DataInputs[input]
	if d.StorageAccount == "" {
		return "may not start jobs", false
	}
	at := d.place(nil)
	for _, holder := range c.Holders(p) {
		for _, acl := range c.aclsOf[holder] {
			if acl.place().holds(at) || at.holds(acl.place()) || d.Container == "" && acl.StorageAccount == d.StorageAccount {
				return "reads by " + acl.String() + c.through(p, holder), true
			}
		}
	}
	return "no grant and no ACL", false
}

// granted reports the same for role assignments. With keys, a role that lists the keys of the storage account counts
// too.
func (c checker) granted(p Principal, input string, keys bool) (how string, able bool) {
	d := c.Model.DataInputs[input]
	if d.Mechanism() == ByAnyone {
		return "anyone may read " + input, true
	}
	if !p.IsCluster() && d.Mechanism() == ByStoreCredential {
		if by, able := c.startsAny(p); able {
			return by + ", and in any job the store's own credential reads " + input, true
		}
	}
	at := d.place(nil)
	scope := at.Scope()
	for _, holder := range c.Holders(p) {
		through := c.through(p, holder)
		for _, g := range c.grantsOf[holder] {
			switch {
			case d.StorageAccount == "":
			case storageRoleMay[g.Role][roles.ReadBlobs] && (g.Scope.Contains(scope) || scope.Contains(g.Scope)) &&
				limitsMeet(g.Paths, at.limit()):
				return "reads by " + g.String() + through + ", granted to " + strings.Join(g.Reasons, ", "), true
			case g.Scope.OfInvokers() && c.roleCovers(d.StorageAccount) && c.roleReads(keys):
				if !c.known {
					return "may read storage by " + g.String() + through + ", by " + unknownRole, true
				}
				return "reads storage by " + g.String() + through, true
			}
		}
	}
	return "no grant", false
}

// roleCovers reports whether a storage account lies in the scope of the invokers' role. At the workspace it does not;
// where one of the IDs is not known, it may.
func (c checker) roleCovers(account string) bool {
	if c.Model.Role.EffectiveScope().inWorkspace() {
		return false
	}
	scope, known := c.Model.RoleScopeID()
	id := c.Model.StorageAccounts[account]
	return !known || id.Later() || roles.Contains(scope, id.Text())
}

// roleReads reports whether the invokers' role opens the storage accounts in its scope: it reads blobs, or, with keys,
// lists account keys. Where the model does not know what the role allows, it may.
func (c checker) roleReads(keys bool) bool {
	return c.readsBlobs || keys && c.opensAccounts
}

// does reports whether a principal has an action, or any action of a risk. For a role whose actions are not known, the
// cautious question assumes that it allows everything, the strict one that it allows nothing.
func (c checker) does(p Principal, do string, cautious bool) (how string, able bool) {
	var found []string
	has, by := "has", ""
	for _, action := range roles.ActionsOf(do) {
		if g, through, assumed := c.covering(p, action, cautious); g != nil {
			found, by = append(found, action.Name), cmp.Or(by, g.String()+through)
			if assumed {
				has, by = "may have", g.String()+through+", by "+unknownRole
			}
		}
	}
	switch {
	case len(found) == 0 && !p.IsCluster() && !c.known:
		return "no role that is known here covers " + do, false
	case len(found) == 0:
		return "no role covers " + do, false
	case len(found) == 1:
		return has + " " + found[0] + " by " + by, true
	default:
		return fmt.Sprintf("%s %s (and %d more of %s) by %s", has, found[0], len(found)-1, do, by), true
	}
}

// covering finds the grant that gives a principal an action, and the group that it comes through; nil if there is none.
// assumed is set where the role's actions are not known (see does).
func (c checker) covering(p Principal, action roles.Action, cautious bool) (by *Grant, through string, assumed bool) {
	for _, holder := range c.Holders(p) {
		for _, g := range c.grantsOf[holder] {
			permissions, known := c.Permissions(g)
			allows := permissions.Allows(action) || cautious && (!known || permissions.MayAllow(action))
			if allows && (!g.Scope.Level.inWorkspace() || roles.ActsAtWorkspace(action.Name)) {
				return &g, c.through(p, holder), !known
			}
		}
	}
	return nil, "", false
}
