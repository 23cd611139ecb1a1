package condition

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
)

const (
	bs     = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
	inData = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'data'"
	reads  = "(!(ActionMatches{'" + bs + "/read'} AND NOT SubOperationMatches{'Blob.List'}) OR (" + inData +
		" AND @Resource[" + bs + ":path] StringStartsWith 'in/2026/'))"
	lists = "(!(ActionMatches{'" + bs + "/read'} AND SubOperationMatches{'Blob.List'}) OR (" + inData +
		" AND @Request[" + bs + ":prefix] StringStartsWith 'in/2026/'))"
	private = "!(ActionMatches{'" + bs + "/read'}) OR @Environment[isPrivateLink] BoolEquals true"
)

func asked(action, part string, path, prefix Value) Request {
	return Request{Action: bs + "/" + action, Suboperation: &part, Attributes: map[string]Value{
		ContainerName: Text("data"), BlobPath: path, BlobPrefix: prefix,
	}}
}

// The requests are those of the worked examples in facts/conditions.md, and requests below a path.
func TestWorkedExamplesComeOutAsTheSheetSays(t *testing.T) {
	t.Parallel()
	read := func(path Value) Request { return asked("read", "", path, Absent()) }
	list := func(prefix Value) Request { return asked("read", "Blob.List", Absent(), prefix) }
	for name, test := range map[string]struct {
		condition string
		request   Request
		want      role.Answer
	}{
		"a blob below the prefix":     {reads + " AND " + lists, read(Text("in/2026/a.csv")), role.Yes},
		"a sibling":                   {reads + " AND " + lists, read(Text("in/2025/a.csv")), role.No},
		"the directory itself":        {reads + " AND " + lists, read(Text("in/2026")), role.No},
		"whatever lies below":         {reads + " AND " + lists, read(Below("in/2026/")), role.Yes},
		"whatever lies above":         {reads + " AND " + lists, read(Below("in/")), role.Undecided},
		"whatever lies elsewhere":     {reads + " AND " + lists, read(Below("out/")), role.No},
		"a list of the prefix":        {reads + " AND " + lists, list(Text("in/2026/")), role.Yes},
		"a list without prefix":       {reads + " AND " + lists, list(Text("")), role.No},
		"a list without the slash":    {reads + " AND " + lists, list(Text("in/2026")), role.No},
		"only reading is confined":    {reads, list(Text("")), role.Yes},
		"writing is not targeted":     {reads + " AND " + lists, asked("write", "", Text("x"), Absent()), role.Yes},
		"a network that is not known": {private, read(Text("x")), role.Undecided},
		"an absent attribute":         {"@Request[" + bs + ":prefix] StringEquals 'x'", read(Text("x")), role.No},
		"the negation of one":         {"!(@Request[" + bs + ":prefix] StringEquals 'x')", read(Text("x")), role.Undecided},
		"one behind a negated AND": {"!(@Request[" + bs + ":prefix] StringEquals 'x' AND Exists @Request[" + bs + ":prefix])",
			read(Text("x")), role.Undecided},
		"AND and OR that both readings allow": {inData + " AND " + inData + " OR " + inData, read(Text("x")), role.Yes},
		"AND and OR that only one allows": {inData + " OR " + inData + " AND Exists @Request[" + bs + ":prefix]",
			read(Text("x")), role.Undecided},
	} {
		c, err := Parse(test.condition)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, c.Allows(test.request), name)
	}
	assert.Equal(t, role.Undecided, Held("what is this").Allows(read(Text("x"))))
}

func TestWhatAzureRefusesOrNobodyKnows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                     "at character 1, where the end stands",
		inData + " AND":        "an attribute, text in single quotes",
		"(" + inData:           ") is expected",
		inData + " 'x'":        "the end or AND or OR",
		"@Nobody[a] Like 'x'":  "@Resource[name]",
		"'a' StringEquals 'a'": "an attribute on one side",
		"@Resource[" + bs + ":path] StringEquals 7":                               "text beside that operator",
		"@Resource[" + bs + ":path] ForAnyOfAnyValues:StringStartsWith {'x'}":     "a quantifier that it takes",
		"@Request[" + bs + ":path] StringEquals 'x'":                              "no attribute of a request",
		"@Resource[Microsoft.ServiceBus/namespaces/queues:Name] StringEquals 'x'": "no attribute",
		"@Resource[" + bs + ":path] StringContains 'x'":                           "not known: the operator stringcontains",
		"@Resource[" + bs + ":path] StringEquals {'x'}":                           "not known: values in braces",
		"@Environment[isPrivateLink] StringEquals 'x'":                            "not known: a comparison",
		strings.Repeat(" ", maxLength) + inData:                                   "at most 8192 are allowed",
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

// A condition that can't be read is an error for Parse, and undecided for Held.
func FuzzRead(f *testing.F) {
	for _, text := range []string{reads + " AND " + lists, private, "'", "@R[", "a:b {", "!!(Exists @Request[a])"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse(text)
		answer := Held(text).Allows(Request{Action: bs + "/read"})
		if c, _, _ := read(text); c.root == nil {
			require.Error(t, err)
			require.Equal(t, role.Undecided, answer)
		}
	})
}
