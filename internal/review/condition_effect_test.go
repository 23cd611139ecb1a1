package review

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/roles"
)

// Conditions are judged by the requests that they allow, not by how they are written.
func TestAConditionIsJudgedByItsEffect(t *testing.T) {
	t.Parallel()
	reader, _ := roles.BuiltIn(roles.StorageBlobDataReader)
	owner, _ := roles.BuiltIn("Owner")
	is := func(d roles.Definition, condition, version string) assignment {
		return assignment{
			role: role{known: true, permissions: d.Permissions}, condition: condition, conditionVersion: version,
		}
	}
	const path = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] "
	for name, c := range map[string]struct {
		old, now        assignment
		does, undecided string
	}{
		"written otherwise": {is(reader, path+"StringStartsWith 'in/'", ""), is(reader, path+"StringLike 'in/*'", "2.0"), "",
			""},
		"narrower": {
			is(reader, path+"StringStartsWith 'in/'", ""), is(reader, path+"StringStartsWith 'in/2026/'", ""),
			"holds back more", "",
		},
		"a slash less": {
			is(reader, path+"StringStartsWith 'in/'", ""), is(reader, path+"StringStartsWith 'in'", ""), "blobs:path 'in'", "",
		},
		"reading, and no longer listing alone": {
			is(reader, "SubOperationMatches{'Blob.List'}", ""), is(reader, "", ""), "blobs/read", "",
		},
		"for another action": {
			is(reader, "!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'}) OR "+path+
				"StringEquals 'a'", ""),
			is(reader, "!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'}) OR "+path+
				"StringEquals 'a'", ""), "now allows", "",
		},
		"that can't be read": {is(reader, path+"StringEquals 'a'", ""), is(reader, path+"StringEquals", ""), "",
			"can't be read here: at character 93 (the end): a value is expected; write text in single quotes"},
		"with a quote in a value": {is(reader, path+"StringEquals 'it''s'", ""), is(reader, "", ""), "",
			"nothing is expected here; join expressions with AND or OR"},
		"too long": {is(reader, "", ""), is(reader, path+"StringEquals '"+strings.Repeat("a", 8192)+"'", ""), "",
			"bytes; Azure allows 8192"},
		"without a source": {is(reader, "", ""), is(reader, "@Blob[path] StringEquals 'a'", ""), "",
			"@Blob[path] is no attribute; write @Resource[name]"},
		"with an attribute that nobody knows": {is(reader, path+"StringEquals 'a'", ""),
			is(reader, path+"StringEquals 'a' OR @Environment[weather] StringEquals 'fine'", ""),
			"Environment weather 'fine'", ""},
		"of a version to come": {is(reader, path+"StringEquals 'a'", ""), is(reader, path+"StringEquals 'b'", "3.0"), "",
			"it is of version 3.0"},
		"on a role of wildcard": {is(owner, path+"StringEquals 'a'", ""), is(owner, "", ""), "", "a wildcard"},
	} {
		does, undecided := conditionChange(c.old, c.now)
		assert.True(t, does == c.does || c.does != "" && strings.Contains(does, c.does), "%s: %q", name, does)
		assert.True(t, undecided == c.undecided || c.undecided != "" && strings.Contains(undecided, c.undecided),
			"%s: %q", name, undecided)
	}
}
