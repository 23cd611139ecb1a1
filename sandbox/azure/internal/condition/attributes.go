package condition

import (
	"fmt"
	"strings"
)

// The sources of attributes.
const (
	Resource    = "resource"
	OfRequest   = "request"
	Principal   = "principal"
	Environment = "environment"
)

const (
	account   = "microsoft.storage/storageaccounts"
	container = account + "/blobservices/containers"
	blobs     = container + "/blobs"
	grants    = "microsoft.authorization/roleassignments"
	directory = "microsoft.directory/customsecurityattributes/id"
)

// The keys of the attributes of blobs that the sandbox knows (A).
var (
	AccountName   = Key(Resource, account+":name")
	ContainerName = Key(Resource, container+":name")
	BlobPath      = Key(Resource, blobs+":path")
	BlobPrefix    = Key(OfRequest, blobs+":prefix")
	VersionID     = Key(OfRequest, blobs+":versionId")
	Snapshot      = Key(OfRequest, blobs+":snapshot")
	UTCNow        = Key(Environment, "UtcNow")
)

// Key is the key of an attribute. Letter case makes no difference, except in the key of a tag (A).
func Key(source, name string) string {
	lower := strings.Map(lowerASCII, name)
	if from, to := strings.Index(lower, "tags:"), strings.Index(lower, "<$"); from >= 0 && from < to {
		lower = lower[:from+len("tags:")] + name[from+len("tags:"):to] + lower[to:]
	}
	return source + " " + lower
}

// lowerASCII keeps the length of a name, which strings.ToLower may not; attributes have ASCII letters only.
func lowerASCII(c rune) rune {
	if c >= 'A' && c <= 'Z' {
		return c - 'A' + 'a'
	}
	return c
}

// attributes has all attributes of the sheet by key, with the kind of their values. A * stands for a name that users
// choose.
var attributes = func() map[string]kind {
	all := map[string]kind{
		Key(Resource, account+":isHnsEnabled"): truth, Key(Resource, blobs+":isCurrentVersion"): truth,
		Key(Resource, account+"/encryptionScopes:name"): text, Key(Environment, "isPrivateLink"): truth,
		Key(Environment, "Microsoft.Network/privateEndpoints"):        text,
		Key(Environment, "Microsoft.Network/virtualNetworks/subnets"): text,
		AccountName: text, ContainerName: text, BlobPath: text, BlobPrefix: text, VersionID: date, Snapshot: date,
		UTCNow: date, Key(Principal, directory+":*"): "",
	}
	for _, source := range []string{Resource, OfRequest} {
		all[Key(source, grants+":RoleDefinitionId")] = guid
		all[Key(source, grants+":PrincipalId")] = guid
		all[Key(source, grants+":PrincipalType")] = text
		all[Key(source, blobs+"/tags:*<$key_case_sensitive$>")] = text
		all[Key(source, blobs+"/tags&$keys$&")] = text
	}
	return all
}()

// elsewhere has the services that know conditions and whose attributes are not in the sheet (F, C, D).
var elsewhere = []string{
	account + "/queueservices", "microsoft.containerregistry/", "microsoft.operationalinsights/", "microsoft.insights/",
}

// check finds what Azure refuses in an attribute that is compared as a kind, and what is not known about it. Azure
// refuses an attribute that belongs to no service with conditions: Azure/azure-cli issue 15683 has its answer.
func check(key string, as kind) (wrong, unknown string) {
	is, found := attributes[key]
	for pattern, of := range attributes {
		head, tail, named := strings.Cut(pattern, "*")
		if named && len(key) > len(head+tail) && strings.HasPrefix(key, head) && strings.HasSuffix(key, tail) {
			is, found = of, true
		}
	}
	_, name, _ := strings.Cut(key, " ")
	switch {
	case found && is != "" && as != "" && is != as:
		return "", fmt.Sprintf("a comparison of %s, which is %s, as %s", name, is, as)
	case found:
		return "", ""
	}
	for _, prefix := range elsewhere {
		if strings.HasPrefix(name, prefix) {
			return "", "the attribute " + name
		}
	}
	return fmt.Sprintf("%s is no attribute of a %s", name, key[:strings.Index(key, " ")]), ""
}
