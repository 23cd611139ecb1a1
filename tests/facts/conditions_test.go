package facts

import (
	"flag"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

var comparisons = flag.Int("comparisons", 6000, "how many random requests both readers of conditions are asked about")

const blobContainers = "Microsoft.Storage/storageAccounts/blobServices/containers"

// clauses are made of these: few, so that requests meet them.
var (
	conditionActions = []string{
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
		"Microsoft.Authorization/roleAssignments/write",
	}
	conditionAttributes = map[string]string{
		"@Resource[" + blobContainers + ":name]":                                  "text",
		"@Resource[" + blobContainers + "/blobs:path]":                            "text",
		"@Request[" + blobContainers + "/blobs:prefix]":                           "text",
		"@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Team_Prefix]": "text",
		"@Resource[" + blobContainers + "/blobs/tags:P<$key_case_sensitive$>]":    "text",
		"@Resource[" + blobContainers + "/blobs/tags&$keys$&]":                    "text",
		"@Request[" + blobContainers + "/blobs:versionId]":                        "date",
		"@Environment[UtcNow]":                                                    "date",
		"@Environment[isPrivateLink]":                                             "truth",
		"@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]":      "guid",
		"@Resource[Microsoft.ContainerRegistry/registries:count]":                 "number",
	}
	conditionValues = map[string][]string{
		"text": {"", "a", "A", "a/", "a/b", "a/bc", "A/B", "ab", "b", "in/2026", "in/2026/", "in/2026/x", "ä", "Ä", "a*",
			"a\\"},
		"number": {"-2", "0", "1", "2", "9223372036854775807"},
		"date": {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0000001Z", "2025-12-31T23:59:59.9999999Z",
			"2300-01-01T00:00:00Z", "9999-12-31T23:59:59Z"},
		"truth": {"true", "false"},
		"guid": {"8b9dfcab-4b77-4632-a6df-94bd07820648", "8B9DFCAB4B774632A6DF94BD07820648",
			"6d994134994b4a599974f479f0b227fb"},
	}
	patterns = []string{"a*", "*", "?", "*b", "a/?", "in/2026/*", `a\*`, "?*", "", "*/*"}
)

// short are the table's words for the names in conditions.
var short = map[string]string{
	"$read": blobContainers + "/blobs/read", "$path": "@Resource[" + blobContainers + "/blobs:path]",
	"$prefix": "@Request[" + blobContainers + "/blobs:prefix]", "$name": "@Resource[" + blobContainers + ":name]",
	"$keys": "@Resource[" + blobContainers + "/blobs/tags&$keys$&]", "$private": "@Environment[isPrivateLink]",
	"$now": "@Environment[UtcNow]", "$role": "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]",
	"$team": "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Team_Prefix]",
}

// conditionCase reads a condition and a request of the table: an operation and then attributes, - for an absent one.
func conditionCase(t *testing.T, input string) (text string, r azure.ConditionRequest) {
	t.Helper()
	text, asked := pair(input)
	for word, full := range short {
		text = strings.ReplaceAll(text, word, full)
	}
	parts := strings.Fields(asked)
	suboperation := ""
	switch parts[0] {
	case "list":
		r.Action, suboperation = blobContainers+"/blobs/read", "Blob.List"
	case "read", "write":
		r.Action = blobContainers + "/blobs/" + parts[0]
	case "assign":
		r.Action = "Microsoft.Authorization/roleAssignments/write"
	default:
		require.Fail(t, "no such operation", input)
	}
	r.Suboperation, r.Attributes = &suboperation, map[string][]string{}
	for _, part := range parts[1:] {
		word, values, _ := strings.Cut(part, "=")
		name := short["$"+word]
		require.NotEmpty(t, name, input)
		r.Attributes[name] = nil
		if values != "-" {
			r.Attributes[name] = strings.Split(values, ",")
		}
	}
	return text, r
}

// author writes random conditions and requests.
type author struct{ *rand.Rand }

func pick[T any](w author, of ...T) T { return of[w.IntN(len(of))] }

func (w author) condition(depth int) string {
	if depth == 0 || w.IntN(4) == 0 {
		return w.clause()
	}
	part := func() string { return w.condition(depth - 1) }
	switch w.IntN(6) {
	case 0:
		return pick(w, "!", "NOT ", "! ") + "(" + part() + ")"
	case 1:
		return "(" + part() + ")" + pick(w, " AND ", " && ") + "(" + part() + ")"
	case 2:
		return "(" + part() + ")" + pick(w, " OR ", "||") + "(" + part() + ")"
	case 3: // Azure's documents call this ambiguous
		return w.clause() + pick(w, " AND ", " OR ") + "(" + part() + ")" + pick(w, " AND ", " OR ") + w.clause()
	case 4:
		return "!" + w.clause()
	default:
		return part()
	}
}

func (w author) clause() string {
	switch w.IntN(8) {
	case 0, 1:
		action := pick(w, conditionActions...)
		return "ActionMatches{'" + pick(w, action, strings.ToUpper(action), action[:20]+"*", "Microsoft.*/write") + "'}"
	case 2:
		return "SubOperationMatches{'" + pick(w, "Blob.List", "blob.list", "Blob.Write.Tier") + "'}"
	case 3:
		return "Exists " + w.attribute()
	}
	name := w.attribute()
	kind := conditionAttributes[name]
	operator := map[string][]string{
		"text": {"StringEquals", "StringNotEquals", "StringStartsWith", "StringNotStartsWith", "StringLike", "StringNotLike"},
		"number": {"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
			"NumericGreaterThanEquals"},
		"date": {"DateTimeEquals", "DateTimeNotEquals", "DateTimeLessThan", "DateTimeLessThanEquals", "DateTimeGreaterThan",
			"DateTimeGreaterThanEquals"},
		"truth": {"BoolEquals", "boolnotequals"}, "guid": {"GuidEquals", "GuidNotEquals"},
	}[kind]
	of := pick(w, operator...)
	values := conditionValues[kind]
	if strings.HasSuffix(of, "Like") {
		values = patterns
	}
	if kind == "text" {
		of += pick(w, "", "IgnoreCase")
	}
	value := func() string {
		if v := pick(w, values...); kind == "text" || kind == "date" {
			return "'" + v + "'"
		} else {
			return v
		}
	}
	many := (kind == "text" || kind == "number" || kind == "guid") && !strings.Contains(of, "StartsWith")
	switch {
	case many && w.IntN(2) == 0:
		q := pick(w, "ForAnyOfAnyValues", "ForAllOfAnyValues", "ForAnyOfAllValues", "forallofallvalues")
		return name + " " + q + ":" + of + " {" + value() + pick(w, "", ", "+value()) + pick(w, "", ","+value()) + "}"
	case kind == "text" && w.IntN(6) == 0:
		return name + " " + of + " @Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Team_Prefix]"
	}
	return name + " " + of + " " + value()
}

func (w author) attribute() string {
	names := make([]string, 0, len(conditionAttributes))
	for name := range conditionAttributes {
		names = append(names, name)
	}
	// A map has no order, and a seed must give the same conditions again.
	slices.Sort(names)
	return pick(w, names...)
}

// request knows some attributes, lacks others, and leaves the rest unknown.
func (w author) request() azure.ConditionRequest {
	r := azure.ConditionRequest{Action: pick(w, conditionActions...), Attributes: map[string][]string{}}
	if w.IntN(5) > 0 {
		r.Suboperation = new(pick(w, "", "Blob.List"))
	}
	for range conditionAttributes {
		name := w.attribute()
		switch n := w.IntN(8); {
		case n == 0:
			delete(r.Attributes, name)
		case n == 1:
			r.Attributes[name] = nil
		case n == 2 && strings.Contains(name, "$keys$"):
			r.Attributes[name] = []string{pick(w, conditionValues["text"]...), pick(w, conditionValues["text"]...)}
		default:
			r.Attributes[name] = []string{pick(w, conditionValues[conditionAttributes[name]]...)}
		}
	}
	return r
}

// asProduct is the request in the product's types.
func asProduct(r azure.ConditionRequest) condition.Request {
	of := condition.Request{Action: r.Action, SubOperation: r.Suboperation,
		Attributes: map[condition.Attribute][]string{}}
	for name, values := range r.Attributes {
		source, name, _ := strings.Cut(strings.Trim(name, "@]"), "[")
		of.Attributes[condition.Attribute{Source: condition.Source(source), Name: name}] = values
	}
	return of
}

// Two readers of conditions, written independently, agree, also on what the sheet leaves open.
func TestTwoReadersOfConditionsAgree(t *testing.T) {
	t.Parallel()
	seed := uint64(20261128)
	w := author{rand.New(rand.NewPCG(17, seed))}
	count := map[string]int{}
	for tried := 0; tried < *comparisons; {
		text := w.condition(3)
		product, problems := condition.Parse(text)
		require.NoError(t, problems.Err(), text)
		for range 10 {
			r := w.request()
			theirs, err := azure.ConditionAllows(text, r)
			if err != nil {
				require.ErrorContains(t, err, "not known", text)
			}
			ours := product.Evaluate(asProduct(r)).String()
			count[ours+" "+theirs]++
			tried++
			if ours != theirs {
				assert.Failf(t, "they disagree", "product %s, sandbox %s\n%s\n%s %v %q", ours, theirs, text, r.Action,
					r.Suboperation, r.Attributes)
			}
		}
	}
	t.Log("product and sandbox:", count)
	for _, both := range []string{"yes yes", "no no", "undecided undecided"} {
		assert.Greater(t, count[both], *comparisons/20, "too few are %s to mean anything", both)
	}
}

// A condition on the readers of one folder opens that folder to a job, and nothing beside it (facts/conditions.md,
// "Reading and listing below one prefix").
func TestAJobReadsWhatTheConditionsOfItsReadersAllow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		read    = "!(ActionMatches{'" + blobContainers + "/blobs/read'} AND "
		path    = "@Resource[" + blobContainers + "/blobs:path] "
		prefix  = "@Request[" + blobContainers + "/blobs:prefix] "
		content = "(" + read + "NOT SubOperationMatches{'Blob.List'}) OR (" + path + "StringStartsWith 'in/'"
		list    = " AND (" + read + "SubOperationMatches{'Blob.List'}) OR (" + prefix + "StringStartsWith 'in/'"
		whole   = content + " OR " + path + "StringEquals 'in'))" + list + " OR " + prefix + "StringEquals 'in'))"
	)
	grant := func(who, condition string) (status int) {
		at := rows + "/providers/Microsoft.Authorization/roleAssignments/" + map[string]string{
			ann: "00000000-0000-4000-8000-000000000001", cluster: "00000000-0000-4000-8000-000000000002"}[who]
		return w.arm(t, http.MethodPut, at, "2022-04-01", map[string]any{"properties": map[string]any{
			"principalId": who, "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + reader,
			"condition": condition, "conditionVersion": "2.0"}}).status
	}
	run := func(folder string) string {
		started := w.start(t, ann, ml, "", jobBody("InputData", "in", map[string]any{"JobInputType": "UriFolder",
			"Uri": "https://lake.blob.core.windows.net/rows/" + folder}))
		require.Equal(t, http.StatusCreated, started.status, started.body)
		owner, err := w.SignIn(t.Context(), w.Deployer().ObjectID, ml)
		require.NoError(t, err)
		job := w.send(t, http.MethodGet, "/inference/westeurope/heart/jobs/"+started.body["name"].(string), owner, nil)
		if job.at("properties", "status") != "Failed" {
			return "Completed"
		}
		return job.at("properties", "error", "code").(string)
	}
	const mount, denied = "ScriptExecution.StreamAccess.Authentication", "DataAccessError(PermissionDenied)"
	require.Equal(t, http.StatusCreated, grant(cluster, whole))
	assert.Equal(t, denied, run("in"), "the job identity holds nothing")
	require.Equal(t, http.StatusCreated, grant(ann, whole))
	for folder, want := range map[string]string{"in": "Completed", "in/": "Completed", "in/x": "Completed",
		"inside": mount, "out": mount, "": mount} {
		assert.Equal(t, want, run(folder), "folder %q", folder)
	}
	require.Equal(t, http.StatusOK, grant(ann, content+"))"+list+"))"), "the condition changes in place")
	assert.Equal(t, denied, run("in"), "the directory itself is left out")
	require.Equal(t, http.StatusOK, grant(ann, strings.Replace(whole, "'in/'", "'inn/'", 1)))
	assert.Equal(t, denied, run("in"), "another path")
	require.Equal(t, http.StatusBadRequest, grant(ann, whole+"'"))
}
