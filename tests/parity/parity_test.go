package parity

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

var update = flag.Bool("update", false, "write docs/parity.md again")

// lines are the lines of a file with content, split into columns.
func lines(t *testing.T, file string, columns int) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			parts := strings.Split(line, " | ")
			require.Len(t, parts, columns, line)
			all = append(all, parts)
		}
	}
	return all
}

// source has the kinds of sources of a case, with what each may name.
var source = regexp.MustCompile(`^(seed|guess|code|sandbox|page azure-facts|sheet [a-z-]+|spec.+|client [a-z0-9-]+|` +
	`docs [a-z-]+|recording [a-z_]+|issue [\w.-]+/[\w.-]+#\d+)$`)

// outcome is the result of one case: its operation, the answer, and the source.
type outcome struct{ operation, answer, source string }

// operationOf splits the text after a case's caller into the operation, in the form of azure.Operations but with only
// the last word of the type, and the path and body.
func operationOf(t *testing.T, operations map[string]string, request string) (operation, path, body string) {
	t.Helper()
	for name := range operations {
		if rest, ok := strings.CutPrefix(request, name+" /"); ok {
			path, body, _ = strings.Cut("/"+rest, " ")
			return name, path, body
		}
		if rest, ok := strings.CutPrefix(request, name+" {"); ok {
			path, body, _ = strings.Cut("{"+rest, " ")
			return name, path, body
		}
	}
	require.Fail(t, "the sandbox serves no such operation", request)
	return "", "", ""
}

// shortened are the sandbox's operations by the names in the cases: the last word of a type, and one line for
// operations that Graph serves in the same way for several kinds.
func shortened() map[string]string {
	ofType := regexp.MustCompile(`^(ARM \S+) \S+/(\w+/?)$`)
	ofKind := regexp.MustCompile(`/\w+/\{id\}/(owners|memberOf|transitiveMemberOf)`)
	names := map[string]string{}
	for _, operation := range azure.Operations() {
		names[ofKind.ReplaceAllString(ofType.ReplaceAllString(operation, "$1 $2"), "/{kind}/{id}/$1")] = operation
	}
	return names
}

var kept = regexp.MustCompile(`(\w+)=(\w+)`)

// tried sends every case, in order, and compares each answer with the expected one.
func tried(t *testing.T, w *world) (outcomes []outcome) {
	t.Helper()
	operations, refused := shortened(), 0
	for _, c := range lines(t, "cases.txt", 4) {
		who, want, from := c[0], c[2], c[3]
		operation, path, body := operationOf(t, operations, c[1])
		want, keep, _ := strings.Cut(want, " -> ")
		method := regexp.MustCompile(`GET|PUT|POST|PATCH|DELETE`).FindString(operation)
		if strings.HasPrefix(want, "2") {
			refused += w.refusesUnknowns(t, operations[operation], who, method, path, body)
		}
		status, code, answer := w.send(t, who, method, w.filled(path), w.filled(body))
		got := strings.TrimSpace(fmt.Sprint(status, " ", code))
		assert.Equal(t, want, got, "%s: %v", c[1], answer)
		assert.Regexp(t, source, from)
		for _, pair := range kept.FindAllStringSubmatch(keep, -1) {
			w.names[pair[1]], _ = answer[pair[2]].(string)
		}
		outcomes = append(outcomes, outcome{operation, want, from})
	}
	t.Logf("%d requests with something unknown are refused", refused)
	return outcomes
}

// typed are the paths and the types of a body's fields; null has no type.
func typed(value any, path string, into map[string]string) {
	switch value := value.(type) {
	case map[string]any:
		into[path] = "object"
		for key, below := range value {
			typed(below, strings.TrimPrefix(path+"."+key, "."), into)
		}
	case []any:
		for _, item := range value {
			typed(item, path+"[]", into)
		}
	case string:
		into[path] = "string"
	case float64:
		into[path] = "number"
	case bool:
		into[path] = "boolean"
	}
}

// fits reports whether the specification has a path: as a field, as part of a field with unspecified keys, or as an
// object with fields. field is the field, "" for such an object.
func fits(fields map[string]string, path, kind string) (field string, ok bool) {
	holds := false
	for field, want := range fields {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(field), `\*`, `[^.]+`)
		switch {
		case regexp.MustCompile(`^`+pattern+`$`).MatchString(path) && (want == kind || want == "any"),
			(want == "object" || want == "any") && regexp.MustCompile(`^`+pattern+`[.\[]`).MatchString(path):
			return field, true
		case kind == "object" && regexp.MustCompile(`^(`+prefixes(pattern)+`)$`).MatchString(path):
			holds = true
		}
	}
	return "", holds
}

// prefixes are the objects that contain a field.
func prefixes(pattern string) string {
	var all []string
	for i := range pattern {
		if strings.HasPrefix(pattern[i:], `\.`) {
			all = append(all, pattern[:i])
		}
	}
	return strings.Join(append(all, "$^"), "|")
}

// beyond are fields in the sandbox's answers that the specification's example lacks, each with its source.
var beyond = map[string]string{
	"systemData":                               "client armmachinelearning: every resource",
	"tags":                                     "client armmachinelearning: every tracked resource",
	"kind":                                     "client armmachinelearning: Workspace",
	"identity":                                 "client armmachinelearning: ComputeResource",
	"properties.createdOn":                     "client azure-cli, which shows it of a role definition",
	"properties.updatedOn":                     "client azure-cli, which shows it of a role definition",
	"properties.createdBy":                     "client azure-cli, which shows it of a role definition",
	"properties.updatedBy":                     "client azure-cli, which shows it of a role definition",
	"properties.inputs.*.uri":                  "client armmachinelearning: URIFolderJobInput",
	"properties.disableLocalAuth":              "client armmachinelearning: AmlCompute",
	"properties.isAttachedCompute":             "client armmachinelearning: AmlCompute",
	"properties.computeLocation":               "client armmachinelearning: AmlCompute",
	"properties.serviceDataAccessAuthIdentity": "client armmachinelearning: AzureBlobDatastore",
	"properties.subscriptionId":                "client armmachinelearning: AzureBlobDatastore",
	"properties.resourceGroup":                 "client armmachinelearning: AzureBlobDatastore",
	"properties.isArchived":                    "client armmachinelearning: URIFolderDataVersion",
	"properties.workspaceId":                   "client armmachinelearning: WorkspaceProperties",
	"properties.tenantId":                      "client armmachinelearning: WorkspaceProperties",
	"properties.provisioningState":             "client armmachinelearning: WorkspaceProperties",
	"properties.storageHnsEnabled":             "client armmachinelearning: WorkspaceProperties",
	"properties.systemDatastoresAuthMode":      "client azure-native: v20241001 getWorkspace",
}

// asked are the requests for the bodies in bodies.txt, after the cases have filled the world.
func (w *world) asked(t *testing.T) map[string]string {
	t.Helper()
	ml, authorization := "?api-version=2024-10-01", "/providers/Microsoft.Authorization/"
	at := "?api-version=2022-04-01"
	require200 := func(method, path, body string, want int) {
		status, code, _ := w.send(t, "deployer", method, path, body)
		require.Equal(t, want, status, "%s %s: %s", method, path, code)
	}
	role := group + authorization + "roleDefinitions/" + w.names["role"]
	assignment := workspace + authorization + "roleAssignments/" + w.names["assignment"]
	require200(http.MethodPut, role+at, `{"properties":{"roleName":"r","type":"CustomRole","assignableScopes":["`+group+
		`"],"permissions":[{"actions":["Microsoft.MachineLearningServices/workspaces/read"],"notActions":[]}]}}`,
		http.StatusCreated)
	require200(http.MethodPut, assignment+at, `{"properties":{"principalId":"`+alice+`","roleDefinitionId":"`+role+`"}}`,
		http.StatusCreated)
	fed := identity + "/federatedIdentityCredentials/main?api-version=2024-11-30"
	require200(http.MethodPut, fed, `{"properties":{"issuer":"https://example.com","subject":"s","audiences":["a"]}}`,
		http.StatusCreated)
	return map[string]string{
		"ARM GET roleAssignments": assignment + at, "ARM GET roleDefinitions": role + at,
		"ARM GET denyAssignments": group + authorization + "denyAssignments/" + denial + at,
		"batchEndpoint":           workspace + "/batchEndpoints/heart" + ml,
		"batchDeployment":         workspace + "/batchEndpoints/heart/deployments/blue" + ml,
		"compute":                 workspace + "/computes/cpu" + ml, "datastore": workspace + "/datastores/keyed" + ml,
		"dataVersion": workspace + "/data/heart/versions/1" + ml, "workspace": workspace + ml,
		"job": workspace + "/jobs/" + w.names["job"] + ml, "identity": identity + "?api-version=2024-11-30",
		"federatedCredential": fed, "job of a scoring URI": "/inference/westeurope/heart/jobs/" + w.names["job"],
	}
}

// body is one line of bodies.txt, and which of its fields the sandbox answers.
type body struct {
	name, from        string
	answered, leftOut []string
}

// compared compares each body with the specification: every field in the sandbox's answer must be a field that Azure
// has, of its type.
func compared(t *testing.T, w *world) (bodies []body) {
	t.Helper()
	asked := w.asked(t)
	for _, line := range lines(t, "bodies.txt", 3) {
		b, fields := body{name: line[0], from: line[1]}, map[string]string{}
		for _, field := range strings.Fields(line[2]) {
			name, kind, ok := strings.Cut(field, ":")
			require.True(t, ok, field)
			fields[name] = kind
		}
		require.Contains(t, asked, b.name, "nobody asks for it")
		who := "deployer"
		if strings.HasPrefix(asked[b.name], "/inference/") {
			who = "ml deployer"
		}
		status, code, answer := w.send(t, who, http.MethodGet, asked[b.name], "")
		require.Equal(t, http.StatusOK, status, "%s: %s", b.name, code)
		has, seen := map[string]string{}, map[string]bool{}
		typed(answer, "", has)
		delete(has, "")
		for path, kind := range has {
			field, ok := fits(fields, path, kind)
			if !ok {
				_, ok = fits(kinds(beyond), path, kind)
			}
			assert.True(t, ok, "%s: Azure's %s has no %s %s", b.name, b.from, kind, path)
			seen[field] = true
		}
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if seen[field] {
				b.answered = append(b.answered, field)
			} else {
				b.leftOut = append(b.leftOut, field)
			}
		}
		delete(asked, b.name)
		bodies = append(bodies, b)
	}
	assert.Empty(t, asked, "bodies.txt has no line for these")
	return bodies
}

// kinds accepts any type for each field.
func kinds(fields map[string]string) map[string]string {
	all := map[string]string{}
	for field := range fields {
		all[field] = "any"
	}
	return all
}

func TestTheSandboxAnswersAsTheLedgerSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	outcomes := tried(t, w)
	bodies := compared(t, w)
	if t.Failed() {
		return
	}
	text := ledger(t, outcomes, bodies)
	const file = "../../docs/parity.md"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, text, string(written), "run go test ./tests/parity -update")
}
