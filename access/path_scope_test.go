package access_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	reader, writer = roles.StorageBlobDataReader, roles.StorageBlobPathWriter
	blobActions    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
)

// onBlobs is a request at a path, or for the list of a prefix.
func onBlobs(action, path, prefix string) condition.Request {
	of, known := "", map[condition.Attribute][]string{
		{Source: condition.Resource, Name: blobActions[:len(blobActions)-1] + ":path"}:    nil,
		{Source: condition.OfRequest, Name: blobActions[:len(blobActions)-1] + ":prefix"}: nil,
	}
	for a := range known {
		switch {
		case action == "list" && a.Source == condition.OfRequest:
			known[a] = []string{prefix}
		case action != "list" && a.Source == condition.Resource:
			known[a] = []string{path}
		}
	}
	if action == "list" {
		action, of = "read", "Blob.List"
	}
	return condition.Request{Action: blobActions + action, SubOperation: &of, Attributes: known}
}

// The traps in facts/conditions.md, "Reading and listing below one prefix" and "Writing below the prefix".
func TestAConditionLetsThroughItsPathsAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		paths []string
		kind  roles.AccountKind
		role  string
		lets  []string // operation and path
		not   []string
	}{
		"a folder": {[]string{"in/2026/"}, roles.Flat, reader,
			[]string{"read in/2026/a", "read in/2026/x/a", "list in/2026/", "list in/2026/x/"},
			[]string{"read in/2026", "read in/20261", "read in/2025/a", "read in", "list ", "list in/2026", "list in/",
				"list in/20261/", "read IN/2026/a"}},
		"a folder of a hierarchical account": {[]string{"in/2026/"}, roles.Hierarchical, reader,
			[]string{"read in/2026", "read in/2026/a", "list in/2026", "list in/2026/"},
			[]string{"read in/20261", "read in", "list ", "list in", "list in/20261"}},
		"a file": {[]string{"in/a.csv"}, roles.Hierarchical, reader, []string{"read in/a.csv"},
			[]string{"read in/a.csv2", "read in", "list in/a.csv", "list ", "list in/"}},
		"a file and a folder": {[]string{"a", "b/"}, roles.Flat, reader, []string{"read a", "read b/x", "list b/"},
			[]string{"read b", "list a", "list ", "read ab", "read a/x"}},
		"two folders": {[]string{"a/", "b/"}, roles.Flat, reader, []string{"read a/x", "read b/x", "list a/", "list b/"},
			[]string{"read ab/x", "list ", "read c/x"}},
		"what a writer writes": {[]string{"out/ada/"}, roles.Flat, writer,
			[]string{"write out/ada/r", "add/action out/ada/r", "delete out/ada/r", "move/action out/ada/r", "read out/ada/r",
				"write out/ada", "list out/ada/"},
			[]string{"write out/bob/r", "add/action out/bob/r", "delete out/bob/r", "move/action out/bob/r",
				"read out/bob/r", "write out/ada2", "write out", "list ", "list out/", "list out/ada"}},
		"a wildcard's letters are not there": {[]string{"a b/ü/"}, roles.Flat, reader,
			[]string{"read a b/ü/x"}, []string{"read a bb/ü/x"}},
	} {
		text, ps := roles.PathCondition(c.paths, c.kind, c.role)
		require.NoError(t, ps.Err(), name)
		of, ps := condition.Parse(text)
		require.NoError(t, ps.Err(), text)
		for want, requests := range map[condition.Answer][]string{condition.Yes: c.lets, condition.No: c.not} {
			for _, r := range requests {
				operation, path, _ := strings.Cut(r, " ")
				assert.Equal(t, want, of.Evaluate(onBlobs(operation, path, path)), "%s: %s\n%s", name, r, text)
			}
		}
	}
}

// A condition allows a job's request at a path if and only if one of its paths contains that path: checked for all
// requests, for random paths.
func TestAPathIsHeldWhereItsConditionSaysSo(t *testing.T) {
	t.Parallel()
	source := rand.New(rand.NewPCG(20, 26))
	name := func() string {
		path := []string{"a", "ab", "b"}[source.IntN(3)]
		if source.IntN(2) == 0 {
			path += "/" + []string{"a", "ab"}[source.IntN(2)]
		}
		if source.IntN(3) > 0 {
			path += "/"
		}
		return path
	}
	var held int
	for range 300 {
		kind := []roles.AccountKind{roles.Flat, roles.Hierarchical}[source.IntN(2)]
		paths, asked := []string{name(), name()}[:1+source.IntN(2)], name()
		text, ps := roles.PathCondition(paths, kind, reader)
		require.NoError(t, ps.Err())
		of, ps := condition.Parse(text)
		require.NoError(t, ps.Err())
		want := slices.ContainsFunc(paths, func(p string) bool {
			return p == asked || strings.HasSuffix(p, "/") && strings.HasPrefix(asked, p) ||
				kind == roles.Hierarchical && p == asked+"/" // the path of the folder itself
		})
		needs, operations := access.Place{Account: "lake", Container: "rows", Path: asked,
			File: !strings.HasSuffix(asked, "/")}.Asks("lake", kind, roles.ReadBlobs)
		answer, request, because := condition.Difference([]condition.Condition{needs}, []condition.Condition{of}, operations)
		require.Equal(t, want, answer == condition.No, "%s in %s: %s %s", asked, paths, request, because)
		require.NotEqual(t, condition.Undecided, answer)
		if want {
			held++
		}
	}
	require.Greater(t, held, 30)
}

func pathInput(scope access.Level, path string) access.DataInput {
	return access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw", Path: path, Scope: scope}
}

// Azure accepts one assignment of a role to a principal at a scope, so it has one condition for all paths.
func TestGrantsOfPaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inputs map[string]access.DataInput
		want   []string // alice's grants in storage
		warns  string
	}{
		"one path": {map[string]access.DataInput{"a": pathInput(access.AtPath, "/in/")},
			[]string{"Storage Blob Data Reader on lake/raw/in/"}, ""},
		"several paths": {map[string]access.DataInput{"a": pathInput(access.AtPath, "in"),
			"b": pathInput(access.AtPath, "ref")},
			[]string{"Storage Blob Data Reader on lake/raw/in/ and lake/raw/ref/"}, ""},
		"a path in another": {map[string]access.DataInput{"a": pathInput(access.AtPath, "in/x"),
			"b": pathInput(access.AtPath, "in")}, []string{"Storage Blob Data Reader on lake/raw/in/"}, ""},
		"the same twice": {map[string]access.DataInput{"a": pathInput(access.AtPath, "in"),
			"b": pathInput(access.AtPath, "in/")}, []string{"Storage Blob Data Reader on lake/raw/in/"}, ""},
		"siblings": {map[string]access.DataInput{"a": pathInput(access.AtPath, "a"), "b": pathInput(access.AtPath, "ab")},
			[]string{"Storage Blob Data Reader on lake/raw/a/ and lake/raw/ab/"}, ""},
		"the whole container beside": {map[string]access.DataInput{"a": pathInput(access.AtPath, "in"),
			"b": pathInput("", "x")}, []string{"Storage Blob Data Reader on lake/raw"}, "limits nothing for invoker alice"},
		"before it": {map[string]access.DataInput{"a": pathInput("", "x"), "b": pathInput(access.AtPath, "in")},
			[]string{"Storage Blob Data Reader on lake/raw"}, "limits nothing for invoker alice"},
		"the account beside": {map[string]access.DataInput{"a": pathInput(access.AtPath, "in"),
			"b": pathInput(access.AtAccount, "x")}, []string{"Storage Blob Data Reader on lake"},
			"limits nothing for invoker alice"},
	} {
		m := simple(access.DataInput{})
		m.DataInputs = c.inputs
		m.Endpoints = map[string]access.Endpoint{"scorer": {Cluster: "cpu", Inputs: keys(c.inputs)}}
		plan, ps := access.Compile(m)
		require.NotNil(t, plan, "%s: %v", name, ps.Err())
		var got []string
		for _, g := range plan.Grants {
			if g.Principal.Name == "alice" && g.Scope.InStorage() {
				got = append(got, g.String())
				assert.Equal(t, len(g.Paths) > 0, g.Condition != "", name)
			}
		}
		assert.Equal(t, c.want, got, name)
		for _, path := range plan.Paths() {
			assert.True(t, path.Works(), "%s: %s", name, path.Outcome())
		}
		assert.Contains(t, fmt.Sprint(ps), c.warns, name)
		assert.Equal(t, c.warns == "", !strings.Contains(fmt.Sprint(ps), "limits nothing"), name)
	}
}

// Access to one path gives none to its siblings or to the folder above it, and no right to write.
func TestAPathOpensNoOther(t *testing.T) {
	t.Parallel()
	m := simple(access.DataInput{})
	m.Invokers["bob"] = access.Invoker{Kind: access.User, PrincipalID: objectID(2)}
	m.StorageAccountKinds = map[string]roles.AccountKind{"lake": roles.Hierarchical}
	m.DataInputs = map[string]access.DataInput{}
	m.Endpoints = map[string]access.Endpoint{}
	for name, path := range map[string]string{"one": "in/a", "sibling": "in/ab", "above": "in", "below": "in/a/x"} {
		m.DataInputs[name] = pathInput(access.AtPath, path)
		invokers := []string{"bob"}
		if name == "one" {
			invokers = []string{"alice"}
		}
		m.Endpoints["read-"+name] = access.Endpoint{Cluster: "cpu", Inputs: []string{name}, Invokers: invokers}
	}
	m.DataOutputs = map[string]access.DataOutput{"out": {DataStore: "s", Path: "in/a", CredentialInStore: boolPtr(false),
		StorageAccount: "lake", Container: "raw", Scope: access.AtPath}}
	m.Endpoints["write"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"one"}, Outputs: []string{"out"},
		Invokers: []string{"bob"}}
	m.Assertions = map[string]access.Assertion{
		"sibling": {Cannot: []string{"alice"}, Read: "sibling"}, "below": {Can: []string{"alice"}, Read: "one"},
		"above": {Cannot: []string{"alice"}, Read: "above"},
	}
	plan, ps := access.Compile(m)
	require.NotNil(t, plan, ps.Err())
	want := map[string]string{"read-one": "works", "read-below": "works", "read-sibling": "fails at read",
		"read-above": "fails at read", "write": "fails at write"}
	for _, path := range plan.Paths() {
		if path.Invoker == "alice" {
			assert.True(t, strings.HasPrefix(path.Outcome(), want[path.Endpoint]), "%s: %s", path.Endpoint, path.Outcome())
		}
	}
	for _, v := range plan.Verdicts {
		assert.Equal(t, v.Name != "above", v.Holds, "%s: %s", v.Name, v.Because) // some of the folder above is hers
	}
	assert.True(t, slices.ContainsFunc(plan.Grants, func(g access.Grant) bool {
		return g.String() == writer+" on lake/raw/in/a/" && g.Principal == access.InvokerPrincipal("bob")
	}), "a writer is not a Storage Blob Data Contributor: %v", plan.Grants)
	assert.True(t, slices.ContainsFunc(plan.Grants, func(g access.Grant) bool {
		return strings.HasPrefix(g.String(), reader+" on ") && g.Principal == access.InvokerPrincipal("bob")
	}), "the role of writers does not see containers, as readers do")
}

func TestWhatIsWrongWithAPath(t *testing.T) {
	t.Parallel()
	blob := func(path string) access.DataInput {
		d := pathInput(access.AtPath, path)
		d.Kind = access.Blob
		return d
	}
	flat := map[string]roles.AccountKind{"lake": roles.Flat}
	acl := pathInput(access.AtPath, "in")
	acl.GrantedBy = access.ByACL
	noContainer := access.DataInput{Kind: access.DataStore, CredentialInStore: boolPtr(false), DataStore: "s", Path: "p",
		StorageAccount: "lake", Scope: access.AtPath}
	credential := noContainer
	credential.CredentialInStore, credential.Container = boolPtr(true), "raw"
	for name, c := range map[string]struct {
		input      access.DataInput
		kinds      map[string]roles.AccountKind
		path, says string
	}{
		"no path":         {blob(""), flat, "dataInputs.in.path", "is missing, but scope is path"},
		"a slash for one": {blob("/"), flat, "dataInputs.in.path", "is missing, but scope is path"},
		"ACLs":            {acl, nil, "dataInputs.in.scope", "ACLs take no condition"},
		"kind not known":  {blob("in"), nil, "dataInputs.in.scope", "not known whether lake has a hierarchical namespace"},
		"kind of another": {blob("in"), map[string]roles.AccountKind{"lake2": roles.Flat}, "storageAccountKinds.lake2", ""},
		"no such kind":    {blob("in"), map[string]roles.AccountKind{"lake": "deep"}, "storageAccountKinds.lake", "deep"},
		"an empty kind":   {blob("in"), map[string]roles.AccountKind{"lake": ""}, "storageAccountKinds.lake", ""},
		"a kind that is not": {pathInput(access.AtPath, "in"), flat, "storageAccountKinds.lake",
			"is flat, but an input of kind adlsGen2 lies in it"},
		"a quote":         {blob("it's"), flat, "dataInputs.in.path", "single quote"},
		"a hidden letter": {blob("in\u200b/a"), flat, "dataInputs.in.path", "do not take"},
		"a turned line":   {blob("in\u202e"), flat, "dataInputs.in.path", "do not take"},
		"a wildcard":      {blob("in/*"), flat, "dataInputs.in.path", "wildcard"},
		"a mark":          {blob("in/?"), flat, "dataInputs.in.path", "?"},
		"an escape":       {blob("in/a%20b"), flat, "dataInputs.in.path", "escape"},
		"a backslash":     {blob(`in\a`), flat, "dataInputs.in.path", "backslash"},
		"too long":        {blob(strings.Repeat("a", 4200)), flat, "dataInputs.in.scope", "limits the role to 1 path has "},
		"no container":    {noContainer, flat, "dataInputs.in.container", "is missing, but scope is path"},
		"a credential":    {credential, flat, "dataInputs.in.scope", "no condition reaches it"},
		"another word": {access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw", Path: "in",
			Scope: "folder"}, flat, "dataInputs.in.scope", "path"},
	} {
		m := simple(c.input)
		m.StorageAccountKinds = c.kinds
		_, ps := access.Compile(m)
		var found bool
		said := map[string]bool{}
		for _, p := range ps {
			assert.False(t, said[p.Path+p.What], "%s is said twice: %v", name, p)
			said[p.Path+p.What] = true
			if p.Path == c.path && !p.Warning && strings.Contains(p.What+p.Fix, c.says) {
				found = true
				assert.NotEmpty(t, p.Fix, name)
			}
		}
		assert.True(t, found, "%s: %v", name, ps.Err())
	}
}

// Any path makes either an error or a condition that parses, without a panic.
func FuzzPathCondition(f *testing.F) {
	for _, path := range []string{"in/", "a", "'", "a' OR 'b/", "//", "ü/", "\x00/", "", "~"} {
		f.Add(path, true)
	}
	f.Fuzz(func(t *testing.T, path string, hierarchical bool) {
		kind := map[bool]roles.AccountKind{false: roles.Flat, true: roles.Hierarchical}[hierarchical]
		text, ps := roles.PathCondition([]string{path}, kind, writer)
		if ps.Err() != nil {
			return
		}
		c, ps := condition.Parse(text)
		require.NoError(t, ps.Err(), text)
		require.Equal(t, condition.Yes, c.Evaluate(onBlobs("write", strings.TrimSuffix(path, "/"), "")), path)
		outside := "~"
		if strings.HasPrefix(path, outside) {
			outside = "elsewhere"
		}
		require.Equal(t, condition.No, c.Evaluate(onBlobs("write", outside, "")), path)
	})
}

// Another stack may have the assignment of readers of paths, but not an assignment of the writers' role, which this
// stack makes.
func TestSharedGrantsThatAreLimitedToPaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		write bool
		scope access.Level
		says  string
	}{
		"a reader":                  {false, access.AtPath, ""},
		"a writer":                  {true, access.AtPath, "is of the role that this stack makes for writers"},
		"a writer of the container": {true, access.AtContainer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := simple(pathInput(access.AtPath, "in"))
			if c.write {
				m.DataOutputs = map[string]access.DataOutput{"out": {DataStore: "s", Path: "out", CredentialInStore: boolPtr(false),
					StorageAccount: "lake", Container: "raw", Scope: c.scope}}
				e := m.Endpoints["scorer"]
				e.Outputs = []string{"out"}
				m.Endpoints["scorer"] = e
			}
			m.SharedGrants = map[string]access.SharedGrant{"a": {By: "lake/prod", Principal: "alice",
				StorageAccount: "lake", Container: "raw", Write: c.write}}
			plan, ps := access.Compile(m)
			if c.says == "" {
				require.NoError(t, ps.Err())
				assert.True(t, slices.ContainsFunc(plan.Grants, func(g access.Grant) bool {
					return g.HeldBy != "" && g.Writes() == c.write
				}))
				return
			}
			assert.ErrorContains(t, ps.Err(), c.says)
		})
	}
}

// Whoever writes below a path reads there too, but a cluster that only writes may not read the container, and so can't
// mount it for reading. It can as soon as it reads anything else in the container.
func TestAClusterThatOnlyWritesBelowAPathDoesNotMountItForReading(t *testing.T) {
	t.Parallel()
	credential := false
	for name, c := range map[string]struct {
		reads map[string]access.DataInput // by the endpoint that writes
		want  access.HopKind
	}{
		"only writes":                 {nil, access.MountHop},
		"reads another path":          {map[string]access.DataInput{"b": pathInput(access.AtPath, "ref")}, ""},
		"reads the container":         {map[string]access.DataInput{"b": pathInput("", "")}, ""},
		"reads another container":     {map[string]access.DataInput{"b": elsewhere("other")}, access.MountHop},
		"reads the account around it": {map[string]access.DataInput{"b": pathInput(access.AtAccount, "")}, ""},
	} {
		m := simple(access.DataInput{})
		m.DataInputs = map[string]access.DataInput{"a": pathInput(access.AtPath, "in")}
		maps.Copy(m.DataInputs, c.reads)
		m.DataOutputs = map[string]access.DataOutput{"out": {DataStore: "out", CredentialInStore: &credential,
			StorageAccount: "lake", Container: "raw", Path: "in", Scope: access.AtPath}}
		m.Endpoints = map[string]access.Endpoint{
			"writer": {Cluster: "cpu", Inputs: keys(c.reads), Outputs: []string{"out"}},
			"reader": {Cluster: "cpu", Inputs: []string{"a"}, Invokers: []string{}}, // for nobody
		}
		plan, ps := access.Compile(m)
		require.NotNil(t, plan, "%s: %v", name, ps.Err())
		for _, path := range plan.Paths() {
			if path.Endpoint == "reader" && path.Invoker == "alice" {
				failed := access.HopKind("")
				if hop := path.FailsAt(); hop != nil {
					failed = hop.Kind
				}
				assert.Equal(t, c.want, failed, "%s: %s", name, path.Outcome())
			}
		}
	}
}

func elsewhere(container string) access.DataInput {
	in := pathInput("", "")
	in.Container = container
	return in
}
