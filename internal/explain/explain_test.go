package explain_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/jsonform"
)

var update = flag.Bool("update", false, "write the golden files again")

var formats = map[string]func(io.Writer, explain.Explanation) error{
	"txt":  func(w io.Writer, x explain.Explanation) error { return explain.WriteTable(w, x, false) },
	"json": explain.WriteJSON,
	"md":   explain.WriteMarkdown,
	"mmd":  explain.WriteMermaid,
	"html": explain.WriteHTML,
}

func storage(name string) string {
	return "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/Microsoft.Storage/" +
		"storageAccounts/" + name
}

// model has a path of each kind (declared or not, working or not), a warning, and an assertion with each verdict.
func model() access.Model {
	yes, no := true, false
	return access.Model{
		WorkspaceID: access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
			"Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers: map[string]access.Invoker{
			"ann": {Kind: access.User, PrincipalID: access.Known("33333333-3333-4333-8333-333333333333")},
			"pipeline": {
				Kind: access.ServicePrincipal,
				FederatedCredentials: map[string]signin.FederatedCredential{
					"main": {GitHub: &signin.GitHubSubject{Repository: "contoso/scoring", Branch: "main"}}},
			},
		},
		Clusters:        map[string]access.Cluster{"cpu": {}, "gpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(storage("lake"))},
		DataInputs: map[string]access.DataInput{
			"archive":  {Kind: access.DataStore, DataStore: "archive", Path: "2025", CredentialInStore: &yes},
			"patients": {Kind: access.Blob, StorageAccount: "lake", Container: "patients"},
			"records": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "records", Path: "2026",
				GrantedBy: access.ByACL},
			"unread": {Kind: access.Blob, StorageAccount: "lake", Container: "unread"},
		},
		DataOutputs: map[string]access.DataOutput{"scores": {DataStore: "scores", Path: "s", CredentialInStore: &no,
			StorageAccount: "lake", Container: "scores"}},
		Endpoints: map[string]access.Endpoint{
			"heart":   {Cluster: "cpu", Inputs: []string{"patients"}, Outputs: []string{"scores"}, Invokers: []string{"ann"}},
			"history": {Cluster: "gpu", Inputs: []string{"archive", "records"}, Invokers: []string{"pipeline"}},
			"ping":    {Cluster: "cpu"},
		},
		Assertions: map[string]access.Assertion{
			"ann-scores": {Can: []string{"ann"}, Start: "heart"},
			"closed":     {Cannot: []string{"ann"}, Read: "archive"},
		},
	}
}

// lacking is the model with a role that lacks two actions, so that nothing works.
func lacking() access.Model {
	m := model()
	m.Role.BuiltIn = "AzureML Data Scientist"
	return m
}

func write(t *testing.T, format string, x explain.Explanation) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, formats[format](&out, x))
	return out.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]access.Model{"works": model(), "broken": lacking()} {
		for format := range formats {
			t.Run(name+"."+format, func(t *testing.T) {
				t.Parallel()
				got, file := write(t, format, made("dev", m)), filepath.Join("testdata", name+"."+format)
				if *update {
					require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, string(want), got, "go test ./internal/explain -update, and read the difference")
			})
		}
	}
}

// mermaidEntity and the like turn escaped text back into what a reader sees.
var seen = map[string]func(string) string{
	"txt":  func(s string) string { return s },
	"json": func(s string) string { return s },
	"html": html.UnescapeString,
	"md": func(s string) string {
		return html.UnescapeString(regexp.MustCompile(`\\([^\w\s])|\\(_)`).ReplaceAllString(s, "$1$2"))
	},
	"mmd": func(s string) string {
		return regexp.MustCompile(`#(\d+);`).ReplaceAllStringFunc(s, func(e string) string {
			var r rune
			_, _ = fmt.Sscanf(e, "#%d;", &r)
			return string(r)
		})
	},
}

// Every format shows each path with its result, and each finding, grant by grant if the format has them.
func TestEveryFormatSaysEveryPathAndFinding(t *testing.T) {
	t.Parallel()
	for _, m := range []access.Model{model(), lacking()} {
		x := made("dev", m)
		require.NotEmpty(t, x.Findings)
		var want []string
		for _, f := range x.Findings {
			want = append(want, f.Where, f.What, f.Fix)
		}
		for _, p := range x.Paths {
			want = append(want, p.Invoker, p.Endpoint, p.Input, p.Why)
		}
		for _, v := range x.Assertions {
			want = append(want, v.Name, v.Says)
			if !v.Holds {
				want = append(want, v.Because)
			}
		}
		for format := range formats {
			got := seen[format](write(t, format, x))
			if format == "txt" { // without the part of the scope that is the same for all
				got = strings.ReplaceAll(got, "Microsoft.MachineLearningServices/workspaces/", "")
			}
			for _, text := range want {
				if format == "txt" {
					text = strings.ReplaceAll(text, "Microsoft.MachineLearningServices/workspaces/", "")
				}
				if format == "json" {
					var quoted strings.Builder
					require.NoError(t, jsonform.Write(&quoted, text))
					text = strings.Trim(quoted.String(), "\"\n")
				}
				assert.Contains(t, got, text, format)
			}
		}
	}
}

func TestAnExplanationSaysWhetherAllIsAsDeclared(t *testing.T) {
	t.Parallel()
	m := model()
	x := made("dev", m)
	assert.Empty(t, x.Broken())
	assert.True(t, x.Failed(), "an assertion is violated")
	delete(m.Assertions, "closed")
	assert.False(t, made("dev", m).Failed())
	x = made("dev", lacking())
	assert.Len(t, x.Broken(), 5, "three declared inputs, and an endpoint without one for two invokers")
	assert.True(t, x.Failed())
}

func TestAFilterKeepsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	x := made("dev", model()).Only("ann", "history")
	require.Len(t, x.Paths, 2)
	for _, p := range x.Paths {
		assert.Equal(t, []string{"ann", "history"}, []string{p.Invoker, p.Endpoint})
	}
	assert.NotContains(t, seen["mmd"](write(t, "mmd", x)), `"pipeline`)
	assert.NotContains(t, write(t, "html", x), ">pipeline</th>")
}

func TestWhyIsAStory(t *testing.T) {
	t.Parallel()
	x := made("dev", model())
	for name, c := range map[string]struct {
		invoker, input string
		says           []string
	}{
		"one that works": {"ann", "patients", []string{"ann starts a job on heart with patients: it works.",
			"managed identity of cluster cpu needs Storage Blob Data Reader on lake/patients", "5. To mount"}},
		"one that does not": {"pipeline", "patients", []string{"it does not work", "To read the data, invoker pipeline",
			"Missing: Storage Blob Data Reader on lake/patients", "endpoints.heart does not name pipeline"}},
		"one undeclared": {"ann", "archive", []string{"it works", "Nobody declared this: endpoints.history does not name ann",
			"the data store's credential"}},
		"indirect ways, by what they end at": {"pipeline", "", []string{"pipeline can reach cluster:cpu, by changing",
			"pipeline can reach the keys of the workspace's storage account, by"}},
		"by an ACL": {"pipeline", "records", []string{"the ACL r-x on lake/records/2026"}},
		"all of them": {"ann", "", []string{"on heart", "on history with archive", "on history with records",
			"on ping with (no input)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.NoError(t, explain.WriteWhy(&out, x, c.invoker, c.input))
			for _, text := range c.says {
				assert.Contains(t, out.String(), text)
			}
		})
	}
	require.ErrorContains(t, explain.WriteWhy(io.Discard, x, "anne", ""), `did you mean "ann"?`)
	require.ErrorContains(t, explain.WriteWhy(io.Discard, x, "ann", "patient"), `did you mean "patients"?`)
}

// nasty is text that some format would take as markup.
const nasty = "a|b`c`<script>alert(1)</script>\"]; click x\n%%{init: {}}%%\x1b[31m*d* _e_ [f](http://g) #quot; &amp; " +
	"@h #7 www.g.example \u202ehidden\u200b ~~~ 🙂"

// named explains a model with the name in every place, also a model that Compile refuses: a renderer must not rely on
// it.
func named(t *testing.T, name string) (x explain.Explanation) {
	t.Helper()
	const usual = "zzusual"
	text, err := json.Marshal(made(usual, withName(usual)))
	require.NoError(t, err)
	quoted, err := json.Marshal(name)
	require.NoError(t, err)
	text = bytes.ReplaceAll(text, []byte(usual), quoted[1:len(quoted)-1])
	require.NoError(t, json.Unmarshal(text, &x))
	return x
}

func withName(name string) access.Model {
	m := model()
	ann := m.Invokers["ann"]
	ann.PrincipalID = access.Known("44444444-4444-4444-8444-444444444444")
	m.Invokers[name], m.Clusters[name], m.DataInputs[name] = ann, access.Cluster{}, m.DataInputs["patients"]
	m.Endpoints[name] = access.Endpoint{Cluster: name, Inputs: []string{name}, Invokers: []string{name}}
	m.Assertions[name] = access.Assertion{Only: []string{name}, Read: name}
	m.Role.Name = name
	return m
}

// codeIn is markup that no name may become in a format.
var codeIn = map[string]*regexp.Regexp{
	"html": regexp.MustCompile(`(?i)<script|<img|<[^>]*\son\w+=`),
	"md":   regexp.MustCompile("(?i)<script|<img|(^|[^\\\\])`|[^\\\\]\\]\\(|@\\w|[^&]#\\d|://|www\\."),
	"mmd":  regexp.MustCompile(`(?i)%%|<script|(?m)^\s*click`),
}

func checkNasty(t *testing.T, name string) {
	t.Helper()
	x := named(t, name)
	usual := named(t, "usual")
	for format := range formats {
		got := write(t, format, x)
		assert.NotContains(t, got, "\x1b", format)
		if format != "json" { // places in which it is escaped, or not shown to a person
			assert.NotRegexp(t, "[\u202a-\u202e\u2066-\u2069\u200b]hidden", got, format)
		}
		if format == "json" {
			assert.True(t, json.Valid([]byte(got)))
			continue
		}
		if format != "html" { // places in which a line break means nothing
			assert.Equal(t, strings.Count(write(t, format, usual), "\n"), strings.Count(got, "\n"),
				"%s: no name begins a line", format)
		}
		if format == "mmd" { // comments are no code
			got = regexp.MustCompile(`(?m)^%% .*$`).ReplaceAllString(got, "")
		}
		if taken := codeIn[format]; taken != nil {
			assert.NotRegexp(t, taken, got, format)
		}
	}
	columns := regexp.MustCompile(`(?m)^\|.*\|$`).FindAllString(write(t, "md", x), -1)
	require.NotEmpty(t, columns)
	bars := regexp.MustCompile(`(^|[^\\])\|`)
	for _, row := range columns[:len(x.Paths)] {
		assert.Len(t, bars.FindAllString(row, -1), 11, row)
	}
	for _, line := range strings.Split(write(t, "mmd", x), "\n") {
		quotes := strings.Count(regexp.MustCompile(`^%%.*$`).ReplaceAllString(line, ""), `"`)
		assert.True(t, quotes == 0 || quotes == 2, "a label ends early: %s", line)
	}
}

func TestNamesCannotBreakOutOfAFormat(t *testing.T) {
	t.Parallel()
	checkNasty(t, nasty)
}

// A name stays in its place in every format.
func FuzzNames(f *testing.F) {
	for _, name := range []string{nasty, "a\\|b", "\\", "\"", "%%{", "-->", "</style>", "a\u2028b", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name != "" && withName(name).Endpoints[name].Cluster == name && !strings.ContainsAny(name, "\u2028\u2029") &&
			!strings.Contains("ann pipeline heart history ping cpu gpu archive patients records unread lake", name) {
			checkNasty(t, name)
		}
	})
}

func TestThePageNeedsNothingElseAndItsPolicyFitsItsStyle(t *testing.T) {
	t.Parallel()
	got := write(t, "html", made("dev", model()))
	assert.NotRegexp(t, `(?i)<script|<link|<img|<iframe|@import|url\(|\sstyle=|\ssrc=|javascript:`, got)
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(got, -1) {
		assert.True(t, strings.HasPrefix(href[1], "#"), href[1])
		assert.Contains(t, got, `id="`+href[1][1:]+`"`)
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(got)
	require.Len(t, style, 2)
	sum := sha256.Sum256([]byte(style[1]))
	policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(
		got)[1])
	assert.Contains(t, policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';")
}

// Allocations grow in proportion to the output. Not parallel, because allocations are counted for the whole process.
func TestALargeModelIsRenderedWithoutWaste(t *testing.T) {
	x := made("large", large())
	require.Len(t, x.Paths, 100*20)
	for format := range formats {
		size := 0
		allocations := testing.AllocsPerRun(1, func() { size = len(write(t, format, x)) })
		t.Logf("%s: %.0f allocations, %d bytes", format, allocations, size)
		assert.Less(t, allocations, float64(mostAllocations*len(x.Paths)), format)
		assert.Less(t, size, 4<<20, format)
	}
}

// mostAllocations is the limit for each path, in any format.
const mostAllocations = 200

// large has 100 invokers and 20 inputs on 4 endpoints.
func large() access.Model {
	m := model()
	m.Invokers, m.DataInputs, m.Endpoints, m.Assertions = map[string]access.Invoker{}, map[string]access.DataInput{},
		map[string]access.Endpoint{}, nil
	for i := range 20 {
		m.DataInputs[fmt.Sprintf("input-%02d", i)] = access.DataInput{Kind: access.Blob, StorageAccount: "lake",
			Container: fmt.Sprintf("c%02d", i)}
		name := fmt.Sprintf("endpoint-%d", i/5)
		e := m.Endpoints[name]
		e.Cluster, e.Inputs = "cpu", append(e.Inputs, fmt.Sprintf("input-%02d", i))
		m.Endpoints[name] = e
	}
	for i := range 100 {
		name := fmt.Sprintf("invoker-with-a-long-name-%03d", i)
		m.Invokers[name] = access.Invoker{Kind: access.User, PrincipalID: access.Known(
			fmt.Sprintf("%08d-0000-4000-8000-000000000000", i))}
		at := fmt.Sprintf("endpoint-%d", i%4)
		e := m.Endpoints[at]
		e.Invokers = append(e.Invokers, name)
		m.Endpoints[at] = e
	}
	return m
}

func TestAMemberIsExplainedByItsGroup(t *testing.T) {
	t.Parallel()
	m := model()
	m.Invokers["team"] = access.Invoker{Kind: access.Group, Members: []string{"ann"}}
	m.Assertions = nil
	heart := m.Endpoints["heart"]
	heart.Invokers = []string{"team"}
	m.Endpoints["heart"] = heart
	all := made("dev", m)
	assert.Equal(t, []explain.Invoker{{Name: "ann", Kind: "user", Group: "team"},
		{Name: "pipeline", Kind: "servicePrincipal"}}, all.Invokers, "a group does not act")
	var out strings.Builder
	require.NoError(t, explain.WriteWhy(&out, all, "ann", "patients"))
	assert.Contains(t, out.String(), "Storage Blob Data Reader on lake/patients, through group team")

	holders := map[string]bool{}
	for _, g := range all.Only("ann", "").Grants {
		holders[g.Principal.String()] = true
	}
	assert.Equal(t, map[string]bool{"invoker team": true, "cluster cpu": true}, holders, "what she has through it")
	for _, g := range all.Only("pipeline", "").Grants {
		assert.NotEqual(t, "team", g.Principal.Name)
	}
}

// made explains a model that has a plan.
func made(stack string, m access.Model) explain.Explanation {
	plan, problems := access.Compile(m)
	if plan == nil {
		panic(problems.Err())
	}
	return explain.Make(stack, plan, problems)
}

func TestADiagramHasNoInvokerWithoutAnArrow(t *testing.T) {
	t.Parallel()
	x := made("dev", model())
	var out bytes.Buffer
	require.NoError(t, explain.WriteMermaid(&out, x.Only("", "heart")))
	assert.Contains(t, out.String(), `(["ann<br/>user"])`)
	assert.NotContains(t, out.String(), `(["pipeline<br/>`)
	assert.Contains(t, out.String(), "%% pipeline, heart: no: patients", "a comment says why not")
}
