package condition_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/condition"
)

const (
	blobs     = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/"
	container = "Microsoft.Storage/storageAccounts/blobServices/containers:name"
	path      = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path"
	prefix    = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:prefix"
)

func parse(t testing.TB, text string) condition.Condition {
	t.Helper()
	c, ps := condition.Parse(text)
	require.NoError(t, ps.Err(), text)
	return c
}

// Readers and writers below one prefix, from facts/conditions.md, "Reading and listing below one prefix".
var (
	readClause = `(!(ActionMatches{'` + blobs + `read'} AND NOT SubOperationMatches{'Blob.List'}) OR ` +
		`(@Resource[` + container + `] StringEquals 'data' AND @Resource[` + path + `] StringStartsWith 'in/2026/'))`
	listClause = `(!(ActionMatches{'` + blobs + `read'} AND SubOperationMatches{'Blob.List'}) OR ` +
		`(@Resource[` + container + `] StringEquals 'data' AND @Request[` + prefix + `] StringStartsWith 'in/2026/'))`
	writeClause = `(!(ActionMatches{'` + blobs + `write'}) AND !(ActionMatches{'` + blobs +
		`add/action'}) AND !(ActionMatches{'` +
		blobs + `delete'}) AND !(ActionMatches{'` + blobs + `move/action'})) OR (@Resource[` + container +
		`] StringEquals 'data' AND @Resource[` + path + `] StringStartsWith 'out/ada/')`
	privateOnly = `!(ActionMatches{'` + blobs + `read'}) OR @Environment[isPrivateLink] BoolEquals true`
)

func asked(operation, of string, attributes map[string]string) condition.Request {
	known := map[condition.Attribute][]string{}
	for name, value := range map[string]string{container: "data", path: "", prefix: "", "isPrivateLink": "false"} {
		source := map[string]condition.Source{prefix: condition.OfRequest, "isPrivateLink": condition.Environment}[name]
		if source == "" {
			source = condition.Resource
		}
		if given, is := attributes[name]; is {
			value = given
		}
		if known[condition.Attribute{Source: source, Name: name}] = []string{value}; value == "" {
			known[condition.Attribute{Source: source, Name: name}] = nil
		}
	}
	return condition.Request{Action: blobs + operation, SubOperation: &of, Attributes: known}
}

func TestTheWorkedExamplesOfTheSheet(t *testing.T) {
	t.Parallel()
	both := readClause + " AND " + listClause
	for name, c := range map[string]struct {
		condition string
		request   condition.Request
		want      condition.Answer
	}{
		"1: below the prefix":     {both, asked("read", "", map[string]string{path: "in/2026/a.csv"}), condition.Yes},
		"1: beside it":            {both, asked("read", "", map[string]string{path: "in/2025/a.csv"}), condition.No},
		"1: the directory itself": {both, asked("read", "", map[string]string{path: "in/2026"}), condition.No},
		"2: listing it": {both, asked("read", "Blob.List", map[string]string{prefix: "in/2026/"}),
			condition.Yes},
		"2: listing below it": {both, asked("read", "Blob.List", map[string]string{prefix: "in/2026/x/"}),
			condition.Yes},
		"2: listing without a prefix": {both, asked("read", "Blob.List", nil), condition.No},
		"2: without the slash":        {both, asked("read", "Blob.List", map[string]string{prefix: "in/2026"}), condition.No},
		"2: another container": {
			both, asked("read", "Blob.List", map[string]string{prefix: "in/2026/", container: "other"}), condition.No,
		},
		"3: listing is not targeted": {readClause, asked("read", "Blob.List", nil), condition.Yes},
		"3: reading is":              {readClause, asked("read", "", map[string]string{path: "secret"}), condition.No},
		"4: writing one's own": {writeClause, asked("write", "", map[string]string{path: "out/ada/r.csv"}),
			condition.Yes},
		"4: writing another's": {writeClause, asked("write", "", map[string]string{path: "out/bob/r.csv"}),
			condition.No},
		"4: creating another's": {writeClause, asked("add/action", "", map[string]string{path: "out/bob/r"}),
			condition.No},
		"4: reads are not targeted": {writeClause, asked("read", "", map[string]string{path: "out/bob/r.csv"}),
			condition.Yes},
		"5: over the public endpoint": {privateOnly, asked("read", "", nil), condition.No},
		"5: listing over it":          {privateOnly, asked("read", "Blob.List", nil), condition.No},
		"5: over a private endpoint": {privateOnly, asked("read", "", map[string]string{"isPrivateLink": "true"}),
			condition.Yes},
		"the action in another case": {privateOnly, asked("READ", "", nil), condition.No},
		"a condition without an action": {`@Resource[` + path + `] StringLike 'a*'`,
			asked("read", "", map[string]string{path: "ab"}), condition.Yes},
	} {
		assert.Equal(t, c.want, parse(t, c.condition).Evaluate(c.request), name)
	}
	unknown := condition.Request{Action: blobs + "read"}
	assert.Equal(t, condition.Undecided, parse(t, both).Evaluate(unknown), "what is not known is undecided")
	assert.Equal(t, condition.Yes, parse(t, both).Evaluate(condition.Request{Action: blobs + "write"}),
		"but not where no clause asks")
}

func TestOperators(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]map[string]condition.Answer{
		"StringEquals 'Ab'":              {"Ab": condition.Yes, "ab": condition.No, "Abc": condition.No},
		"StringNotEquals 'Ab'":           {"Ab": condition.No, "ab": condition.Yes},
		"StringEqualsIgnoreCase 'Ab'":    {"aB": condition.Yes, "b": condition.No},
		"StringNotEqualsIgnoreCase 'Ab'": {"aB": condition.No},
		"stringstartswith 'a/'": {"a/b": condition.Yes, "a/": condition.Yes, "A/b": condition.No,
			"a": condition.No},
		"StringNotStartsWith 'a/'":        {"a/b": condition.No, "b": condition.Yes},
		"StringStartsWithIgnoreCase 'a/'": {"A/b": condition.Yes},
		"StringLike 'a*c'":                {"abcd": condition.No, "ac": condition.Yes, "a/b/c": condition.Yes},
		"StringLike 'a?c'":                {"abc": condition.Yes, "ac": condition.No, "abbc": condition.No},
		`StringLike 'a\*c'`:               {"a*c": condition.Yes, "abc": condition.No},
		"StringNotLike 'a*'":              {"ab": condition.No, "b": condition.Yes},
		"StringLikeIgnoreCase 'A*'":       {"ab": condition.Yes},
		"StringEquals 'a*'":               {"a*": condition.Yes, "ab": condition.No},
		"NumericEquals 7":                 {"7": condition.Yes, "8": condition.No, "x": condition.Undecided},
		"NumericNotEquals 7":              {"7": condition.No, "x": condition.Undecided},
		"NumericLessThan 7":               {"6": condition.Yes, "7": condition.No},
		"NumericLessThanEquals 7":         {"7": condition.Yes, "8": condition.No},
		"NumericGreaterThan 7":            {"8": condition.Yes, "7": condition.No},
		"NumericGreaterThanEquals -7":     {"-7": condition.Yes, "-8": condition.No},
		"DateTimeLessThan '2026-01-01T00:00:00.0Z'": {"2025-12-31T23:59:59.9999999Z": condition.Yes,
			"2026-01-01T00:00:00Z": condition.No},
		"BoolEquals true":    {"true": condition.Yes, "false": condition.No, "maybe": condition.Undecided},
		"boolnotequals TRUE": {"true": condition.No, "false": condition.Yes},
		"GuidEquals 8b9dfcab4b774632a6df94bd07820648": {"8B9DFCAB-4b77-4632-a6df-94bd07820648": condition.Yes,
			"9b9dfcab-4b77-4632-a6df-94bd07820648": condition.No, "x": condition.Undecided, "": condition.No,
			"8b9dfcab4b77-4632a6df94bd07820648": condition.Yes, "8B9DFCAB4B774632a6df94bd07820648": condition.Yes,
			"9b9dfcab4b77-4632a6df94bd07820648":     condition.No,
			"-8b9dfcab4b774632a6df94bd07820648":     condition.Undecided,
			"8b9dfcab4b774632a6df94bd07820648-":     condition.Undecided,
			"8b9d-fcab4b774632a6df94bd07820648":     condition.Undecided,
			"8b9dfcab--4b77-4632-a6df-94bd07820648": condition.Undecided,
			"8b9dfcab-4b77-4632-a6df-94bd-07820648": condition.Undecided,
			"8b9dfcab-4b77-4632-a6df-94bd0782064":   condition.Undecided,
			"8b9dfcab-4b77-4632-a6df-94bd078206488": condition.Undecided,
			"8b9dfcab-4b77-4632-a6df-94bd0782064g":  condition.Undecided,
			"8b9dfcab_4b77_4632_a6df_94bd07820648":  condition.Undecided},
		"GuidEquals 8b9dfcab4b77-4632a6df94bd07820648": {"8b9dfcab-4b774632a6df94bd07820648": condition.Yes,
			"8b9dfcab-4b774632a6df94bd07820649": condition.No},
		"ForAnyOfAnyValues:StringEquals {'a', 'b'}":    {"b": condition.Yes, "c": condition.No},
		"ForAllOfAnyValues:StringEquals {'a', 'b'}":    {"a": condition.Yes, "a,b": condition.Yes, "a,c": condition.No},
		"ForAnyOfAllValues:StringNotEquals {'a', 'b'}": {"a": condition.No, "c": condition.Yes, "a,c": condition.Yes},
		"ForAllOfAllValues:StringNotEquals {'a', 'b'}": {"c,d": condition.Yes, "a,c": condition.No},
		"StringEquals {'a', 'b'}":                      {"a": condition.Undecided},
		"StringEquals 'a'":                             {"a,b": condition.Undecided, "": condition.No},
		"StringNotEquals 'a'":                          {"": condition.No},
		"StringContains 'a'":                           {"a": condition.Undecided},
	} {
		c := parse(t, "@Resource[x:y] "+expression)
		for value, answer := range want {
			values := strings.Split(value, ",")
			if value == "" {
				values = nil
			}
			got := c.Evaluate(condition.Request{Attributes: map[condition.Attribute][]string{{Source: condition.Resource,
				Name: "X:y"}: values}})
			assert.Equal(t, answer, got, "%s of %q", expression, value)
		}
	}
}

func TestWhatIsNotDocumentedIsUndecided(t *testing.T) {
	t.Parallel()
	is := func(present ...string) condition.Request {
		r := condition.Request{Attributes: map[condition.Attribute][]string{}}
		for _, name := range []string{"a", "b"} {
			r.Attributes[condition.Attribute{Source: condition.Resource, Name: name}] = nil
		}
		for _, name := range present {
			r.Attributes[condition.Attribute{Source: condition.Resource, Name: name}] = []string{"x"}
		}
		return r
	}
	for text, c := range map[string]struct {
		request condition.Request
		want    condition.Answer
	}{
		"NOT @Resource[a] StringEquals 'x'":                              {is(), condition.Undecided},
		"NOT Exists @Resource[a] OR @Resource[a] StringEquals 'y'":       {is(), condition.Yes},
		"@Resource[a] StringEquals 'x' AND Exists @Resource[a] ":         {is("a"), condition.Yes},
		"@Resource[a] StringEquals 'x' OR @Resource[b] StringEquals 'x'": {is("b"), condition.Undecided},
		"@Resource[b] StringEquals 'x' OR @Resource[a] StringEquals 'x'": {is("b"), condition.Yes},
		// The first part has an absent attribute and the second is false: refused. Its negation depends on how absence
		// counts.
		"@Resource[a] StringEquals 'x' AND Exists @Resource[a]":               {is(), condition.No},
		"Exists @Resource[a] AND @Resource[a] StringEquals 'x'":               {is(), condition.No},
		"!(@Resource[a] StringEquals 'x' AND Exists @Resource[a])":            {is(), condition.Undecided},
		"!(@Resource[a] StringEquals 'x' OR Exists @Resource[a])":             {is(), condition.Undecided},
		"!(Exists @Resource[a] AND @Resource[a] StringEquals 'x')":            {is(), condition.Yes},
		"!(!Exists @Resource[a] OR @Resource[a] StringEquals 'x')":            {is(), condition.No},
		"!(!(@Resource[a] StringEquals 'x' AND Exists @Resource[b]))":         {is(), condition.No},
		"!(@Resource[a] StringNotEquals 'x' AND @Resource[b] StringLike '*')": {is(), condition.Undecided},
		// AND before OR: yes; from left to right: no.
		"Exists @Resource[a] OR Exists @Resource[b] AND Exists @Resource[b]": {is("a"), condition.Undecided},
		"Exists @Resource[a] AND Exists @Resource[b] OR Exists @Resource[b]": {is("b"), condition.Yes},
	} {
		assert.Equal(t, c.want, parse(t, text).Evaluate(c.request), text)
	}
}

func TestFaultsNameTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                                      "at character 1 (the end): a value is expected",
		"(@Resource[a] StringEquals 'x'":                        "at character 31 (the end): ) is expected",
		"@Resource[a] StringEquals":                             "at character 26 (the end): a value is expected",
		"@Resource[a] StringEquals 'x":                          "at character 27 ('): a value is expected",
		"@Resource[a] StringEquals 'it''s'":                     "at character 31 ('s'): nothing is expected here",
		"@Resource[a] StringEquals x":                           "at character 27 (x): a value is expected",
		"@Resource[a] StringEquals 7":                           "StringEquals does not compare 7",
		"@Resource[a] NumericEquals '7'":                        "NumericEquals does not compare 7",
		"@Resource[a] BoolEquals 'true'":                        "BoolEquals does not compare true",
		"@Resource[a] GuidEquals 'x'":                           "GuidEquals does not compare x",
		"@Resource[a] DateTimeEquals 'tomorrow'":                "DateTimeEquals does not compare tomorrow",
		"@Nobody[a] StringEquals 'x'":                           "@Nobody[a] is no attribute",
		"@Resource[] StringEquals 'x'":                          "@Resource[] is no attribute",
		"@Resource[a] ForAnyOf:StringEquals 'x'":                "ForAnyOf is no quantifier",
		"@Resource[a] ForAnyOfAnyValues:StringStartsWith {'x'}": "StringStartsWith takes none",
		"@Resource[a] && @Resource[b]":                          "at character 14 (&&): an operator is expected",
		"'a' StringEquals 'a'":                                  "two values are compared",
		"ActionMatches{Blob}":                                   "a name in single quotes is expected",
		"ActionMatches 'a'":                                     "{ is expected",
		"Exists 'a'":                                            "an attribute is expected",
		"@Resource[a] StringEquals 'x' AND":                     "at character 34 (the end)",
		"@Resource[a] StringEquals 'x'\x01":                     "character 30 is a control character",
		strings.Repeat("(", condition.MaxLength+1):              "the condition has 8193 bytes",
		"größe @Resource[a] StringEquals 'x'":                   "at character 1 (gr)",
		"@Resource[a] StringEquals 'ü' @Resource[b]":            "at character 31 (@Resource[b])",
		"@Resource[a] StringEquals {'x', }":                     "a value is expected",
		"@Resource[a] StringEquals {'x' 'y'}":                   "} is expected",
	} {
		_, ps := condition.Parse(text)
		if assert.Len(t, ps, 1, text) {
			assert.Contains(t, ps[0].What, want, text)
			assert.NotEmpty(t, ps[0].Fix, text)
		}
	}
}

func TestItIsPrintedAsItWasMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"( !(actionmatches{ 'a/b' }) ) || exists @resource[ a ]": "(!(ActionMatches{'a/b'})) OR Exists @Resource[a]",
		"not @Request[a]   boolequals   TRUE":                    "!@Request[a] BoolEquals true",

		"@Resource[a] forAnyOfAnyValues:guidequals{" +
			"8b9dfcab4b774632a6df94bd07820648,6d994134994b4a599974f479f0b227fb}": "@Resource[a] " +
			"ForAnyOfAnyValues:GuidEquals {8b9dfcab4b774632a6df94bd07820648, 6d994134994b4a599974f479f0b227fb}",
		"@Resource[a] StringEquals 'x' AND @Resource[b] StringEquals 'y' OR @Resource[c] StringFoo 'z'": "@Resource[a] " +
			"StringEquals 'x' AND @Resource[b] StringEquals 'y' OR @Resource[c] StringFoo 'z'",
		"@Resource[a] StringEquals @Principal[b]": "@Resource[a] StringEquals @Principal[b]",
	} {
		assert.Equal(t, want, parse(t, text).String())
	}
}

// A parsed condition means the same after it is written and parsed again; an error says what is wrong.
func FuzzParse(f *testing.F) {
	for _, text := range []string{readClause + " AND " + listClause, writeClause, privateOnly, "!!(Exists @Request[a])",
		"'", "@R[", "a:b:c {"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ps := condition.Parse(text)
		if len(ps) > 0 {
			require.NotEmpty(t, ps[0].What)
			return
		}
		again, ps := condition.Parse(c.String())
		if len(ps) > 0 && len(c.String()) > condition.MaxLength {
			return // spaces were added
		}
		require.NoError(t, ps.Err(), "%q of %q", c, text)
		require.Equal(t, c.String(), again.String())
		r := condition.Request{Action: blobs + "read"}
		require.Equal(t, c.Evaluate(r), again.Evaluate(r))
	})
}

var operations = []condition.Operation{
	{Action: blobs + "read"}, {Action: blobs + "read", SubOperation: "Blob.List"}, {Action: blobs + "write"},
}

func TestDifferenceFindsWhatIsGained(t *testing.T) {
	t.Parallel()
	both := readClause + " AND " + listClause
	at := func(what string) string { return `@Resource[` + path + `] ` + what }
	for name, c := range map[string]struct {
		one, other string // "" for none
		want       condition.Answer
		by         string // part of the request
	}{
		"the condition is dropped":  {"", both, condition.Yes, "blobs/read with "},
		"nothing changes":           {both, both, condition.No, ""},
		"the clauses change places": {listClause + " AND " + readClause, both, condition.No, ""},
		"it is added":               {both, "", condition.No, ""},
		"only reading is confined":  {readClause, both, condition.Yes, "Blob.List"},
		"the prefix is shortened": {at("StringStartsWith 'in/'"), at("StringStartsWith 'in/2026/'"), condition.Yes,
			"'in/"},
		"the prefix is lengthened":      {at("StringStartsWith 'in/2026/'"), at("StringStartsWith 'in/'"), condition.No, ""},
		"a prefix written as a pattern": {at("StringLike 'in/*'"), at("StringStartsWith 'in/'"), condition.No, ""},
		"and back":                      {at("StringStartsWith 'in/'"), at("StringLike 'in/*'"), condition.No, ""},
		"a sibling by a missing slash": {at("StringStartsWith 'in'"), at("StringStartsWith 'in/'"), condition.Yes,
			"blobs:path 'in'"},
		"letter case": {at("StringEqualsIgnoreCase 'a'"), at("StringEquals 'a'"), condition.Yes, "'A'"},
		"one and the other": {at("StringEquals 'a'") + " OR " + at("StringEquals 'b'"), at("StringLike '?'"), condition.No,
			""},
		"all but one": {at("StringNotEquals 'a'"), at("StringLike '?*'"), condition.Yes, "blobs:path ''"},
		"a condition that nothing meets": {at("StringEquals 'a'") + " AND " + at("StringEquals 'b'"), at("StringEquals 'c'"),
			condition.No, ""},
		"two attributes": {`@Resource[a] StringEquals @Principal[b]`, `@Resource[a] StringEquals 'x'`, condition.Yes, ""},
		"two attributes, the same": {`@Resource[a] StringEquals @Principal[b]`, `@Resource[a] StringEquals @Principal[b]`,
			condition.Undecided, "two attributes"},
		"a negation, the same": {"!" + at("StringEquals 'a'"), "!" + at("StringEquals 'a'"), condition.No, ""},
		"a negation of two, the same": {"!(" + at("StringEquals 'a'") + " AND " + at("StringNotEquals 'b'") + ")",
			"!(" + at("StringEquals 'a'") + " AND " + at("StringNotEquals 'b'") + ")", condition.No, ""},
		"a negation where the attribute is absent": {"!" + at("StringLike '*'"),
			"!" + at("StringLike '*'") + " AND !Exists @Resource[x]",
			condition.Undecided, "no Resource blobs:path"},
		"AND beside OR, the same": {at("StringEquals 'a'") + " OR " + at("StringLike '?'") + " AND Exists @Resource[x]",
			at("StringEquals 'a'") + " OR " + at("StringLike '?'") + " AND Exists @Resource[x]", condition.No, ""},
		"AND beside OR, one of its readings": {at("StringEquals 'a'") + " OR " + at("StringLike '?'") +
			" AND Exists @Resource[x]",
			"(" + at("StringEquals 'a'") + " OR " + at("StringLike '?'") + ") AND Exists @Resource[x]", condition.Undecided,
			"not decided"},
		"an operator that is not known": {`@Resource[a] StringFoo 'x'`, `@Resource[a] StringEquals 'x'`, condition.Undecided,
			""},
		"numbers": {`@Resource[n] NumericLessThanEquals 5`, `@Resource[n] NumericLessThan 6`, condition.No, ""},
		"dates": {`@Environment[UtcNow] DateTimeLessThan '2027-01-01T00:00:00Z'`,
			`@Environment[UtcNow] DateTimeLessThan '2026-01-01T00:00:00Z'`, condition.Yes, "2026-12-31"},
		"guids": {`@Request[r] ForAnyOfAnyValues:GuidEquals {8b9dfcab4b774632a6df94bd07820648,
			6d994134994b4a599974f479f0b227fb}`,
			`@Request[r] GuidEquals 8b9dfcab-4b77-4632-a6df-94bd07820648`, condition.Yes, "6d99"},
		"guids, fewer": {`@Request[r] GuidEquals 8b9dfcab-4b77-4632-a6df-94bd07820648`,
			`@Request[r] ForAnyOfAnyValues:GuidEquals {8b9dfcab4b774632a6df94bd07820648, 6d994134994b4a599974f479f0b227fb}`,
			condition.No, ""},
	} {
		set := func(text string) []condition.Condition {
			if text == "" {
				return []condition.Condition{condition.Always}
			}
			return []condition.Condition{parse(t, text)}
		}
		answer, request, because := condition.Difference(set(c.one), set(c.other), operations)
		assert.Equal(t, c.want, answer, "%s: %s %s", name, request, because)
		assert.Contains(t, request.String()+because, c.by, name)
	}
	answer, _, _ := condition.Difference([]condition.Condition{condition.Always}, nil, operations)
	assert.Equal(t, condition.Yes, answer, "who had nothing gains")
	answer, _, _ = condition.Difference(nil, nil, operations)
	assert.Equal(t, condition.No, answer)
}

// random writes a condition over few values, so that random requests meet it.
func random(r *rand.Rand, depth int) string {
	texts := []string{"a", "ab", "b", "a/", "a/b", "A"}
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	if depth == 0 || r.IntN(3) == 0 {
		switch r.IntN(6) {
		case 0:
			return "ActionMatches{'" + pick(blobs+"read", blobs+"*", blobs+"write") + "'}"
		case 1:
			return "SubOperationMatches{'Blob.List'}"
		case 2:
			return "Exists @Resource[" + pick("p", "q") + "]"
		case 3:
			return "@Resource[n] Numeric" + pick("Equals", "LessThan", "GreaterThanEquals", "NotEquals") + " " +
				pick("1", "2", "3")
		case 4:
			return "@Resource[" + pick("p", "q") + "] ForAnyOf" + pick("Any", "All") + "Values:String" + pick("", "Not") +
				"Equals {'" +
				pick(texts...) + "', '" + pick(texts...) + "'}"
		default:
			return "@Resource[" + pick("p", "q") + "] String" + pick("", "Not") + pick("Equals", "StartsWith", "Like") +
				pick("", "IgnoreCase") +
				" '" + pick(texts...) + pick("", "*", "?") + "'"
		}
	}
	switch r.IntN(4) {
	case 0:
		return "!(" + random(r, depth-1) + ")"
	case 1:
		return "(" + random(r, depth-1) + " AND " + random(r, depth-1) + ")"
	default:
		return "(" + random(r, depth-1) + " OR " + random(r, depth-1) + ")"
	}
}

// Difference agrees with brute force: if it says No, none of many requests gains anything; if it says Yes, its request
// does.
func TestDifferenceAgreesWithBruteForce(t *testing.T) {
	t.Parallel()
	source := rand.New(rand.NewPCG(1, uint64(seed)))
	values := []string{"", "a", "A", "ab", "Ab", "b", "a/", "a/b", "a/bc", "abc", "aa", "x", "a*", "b?"}
	tried, counts := 0, map[condition.Answer]int{}
	for tried < requests {
		one, other := parse(t, random(source, 3)), parse(t, random(source, 3))
		answer, found, because := condition.Difference([]condition.Condition{one}, []condition.Condition{other}, operations)
		counts[answer]++
		if answer == condition.Yes {
			require.Equal(t, condition.Yes, one.Evaluate(found), "%s | %s | %s", one, other, found)
			require.Equal(t, condition.No, other.Evaluate(found), "%s | %s | %s", one, other, found)
		}
		for range 40 {
			tried++
			o := operations[source.IntN(len(operations))]
			r := condition.Request{Action: o.Action, SubOperation: &o.SubOperation,
				Attributes: map[condition.Attribute][]string{}}
			for name, from := range map[string][]string{"p": values, "q": values, "n": {"0", "1", "2", "3", "4"}} {
				var given []string
				if source.IntN(5) > 0 {
					given = []string{from[source.IntN(len(from))]}
				}
				r.Attributes[condition.Attribute{Source: condition.Resource, Name: name}] = given
			}
			mine, theirs := one.Evaluate(r), other.Evaluate(r)
			if mine == condition.Yes && theirs == condition.No {
				require.Equal(t, condition.Yes, answer, "%s\n%s\n%s: %s", one, other, r, because)
			}
			if mine == condition.Yes && theirs == condition.Undecided {
				require.NotEqual(t, condition.No, answer, "%s\n%s\n%s", one, other, r)
			}
		}
	}
	require.Greater(t, counts[condition.Yes], tried/1000, fmt.Sprint(counts))
	require.Greater(t, counts[condition.No], tried/1000, fmt.Sprint(counts))
}

// requests and seed of TestDifferenceAgreesWithBruteForce.
const (
	requests = 100_000
	seed     = 20261128
)

// hard are conditions, of up to 8 KB, for which a search would take too long.
func hard() map[string]string {
	var patterns, sorts []string
	for i := range 60 {
		letter := func(n int) rune { return 'a' + rune(i*n%26) }
		patterns = append(patterns, fmt.Sprintf("@Resource[p] StringLike '*%c%c*%c%d*'", letter(1), letter(7), letter(3), i))
	}
	for i := range 90 {
		sorts = append(sorts, fmt.Sprintf("(@Resource[p%d] StringEquals 'v%d' AND @Request[q%d] StringLike 'a*%d')", i%12, i,
			i%9, i))
	}
	return map[string]string{
		"@Resource[p] is compared with distinguish too many sorts of values": strings.Join(patterns, " OR "),
		"too many sorts of requests":                                         strings.Join(sorts, " OR "),
	}
}

// If No would take too many steps, the answer is undecided, and names the part that takes them.
func TestAHardNoIsUndecidedAfterSoManySteps(t *testing.T) {
	t.Parallel()
	for because, text := range hard() {
		t.Run(because, func(t *testing.T) {
			t.Parallel()
			one, other := parse(t, "("+text+") AND Exists @Resource[z]"), parse(t, text)
			answer, _, why := condition.Difference([]condition.Condition{one}, []condition.Condition{other}, operations)
			assert.Equal(t, condition.Undecided, answer)
			assert.Contains(t, why, because)
			answer, _, _ = condition.Difference([]condition.Condition{other}, []condition.Condition{one}, operations)
			assert.NotEqual(t, condition.No, answer, "it lets more through")
		})
	}
}

func BenchmarkDifferenceHardNo(b *testing.B) {
	for because, text := range hard() {
		b.Run(because, func(b *testing.B) {
			one, other := parse(b, "("+text+") AND Exists @Resource[z]"), parse(b, text)
			for b.Loop() {
				condition.Difference([]condition.Condition{one}, []condition.Condition{other}, operations)
			}
		})
	}
}

func BenchmarkDifferenceOf8KB(b *testing.B) {
	long := func(n int) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf("@Resource[%s] StringStartsWith 'in/%06d/'", path, i*7919))
		}
		return strings.Join(parts, " OR ")
	}
	n := 1
	for len(long(n+1)) <= condition.MaxLength {
		n++
	}
	one, other := parse(b, long(n)), parse(b, long(n-1))
	for b.Loop() {
		answer, _, because := condition.Difference([]condition.Condition{one}, []condition.Condition{other}, operations)
		if answer != condition.Yes {
			b.Fatal(answer, because)
		}
	}
}

// Each part is evaluated once, however deeply nested: if each reading evaluated it again, the largest condition would
// never end.
func TestADeepConditionEnds(t *testing.T) {
	t.Parallel()
	text := "Exists @Resource[" + path + "]"
	for len(text) < 7_000 {
		text = "(" + text + " AND ActionMatches{'a'} OR ActionMatches{'b'})"
	}
	c := parse(t, text)
	assert.Equal(t, condition.Yes, c.Evaluate(condition.Request{Action: "b"}))
	assert.Empty(t, c.SubOperations())
}
