package roles

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Azure's built-in roles (facts/built-in-roles.md: all 928 of 2026-08-22). The few that this project assigns are read
// at once. The others are read when one of them is asked for, so that a program that deploys does not pay for them; the
// list of IDs says whether a GUID is of a built-in role.
//
//go:generate go run ./internal/generate $BUILT_IN_ROLES
var (
	//go:embed built_in.json
	cheapJSON []byte
	//go:embed all_built_in.ids
	allIDs []byte // 16 bytes a role, sorted
	//go:embed all_built_in.gz
	allPacked []byte // the roles in the order of their IDs, one a line: name, tab, permissions

	cheap  = sync.OnceValue(readCheap)
	packed = sync.OnceValue(readPacked)
)

// Names of the built-in roles that this project assigns or needs to know.
const (
	StorageBlobDataReader      = "Storage Blob Data Reader"
	StorageBlobDataContributor = "Storage Blob Data Contributor"
	// For a workspace whose own stores are opened by identities.
	StorageFileDataPrivilegedContributor = "Storage File Data Privileged Contributor"
	StorageTableDataContributor          = "Storage Table Data Contributor"
	StorageQueueDataContributor          = "Storage Queue Data Contributor"
	// For a job's image, and for models and environments of a shared registry.
	AcrPull              = "AcrPull"
	RepositoryReader     = "Container Registry Repository Reader"
	AzureMLRegistryUser  = "AzureML Registry User"
	AzureMLDataScientist = "AzureML Data Scientist"
	AzureAIDeveloper     = "Azure AI Developer"
	azureAIAdministrator = "Azure AI Administrator"
	Contributor          = "Contributor"
	Owner                = "Owner"
)

// BuiltIn finds a built-in role by its name or by its GUID, without regard to case.
func BuiltIn(nameOrGUID string) (Definition, bool) {
	for _, d := range cheap() {
		if strings.EqualFold(d.RoleName, nameOrGUID) || strings.EqualFold(d.ID, nameOrGUID) {
			return d.clone(), true
		}
	}
	if nameOrGUID == "" {
		return Definition{}, false
	}
	if id, ok := parseGUID(nameOrGUID); ok {
		at, ok := indexOf(id)
		if !ok {
			return Definition{}, false
		}
		return packed().roles[at].definition().clone(), true
	}
	at, ok := packed().byName[strings.ToLower(nameOrGUID)]
	if !ok {
		return Definition{}, false
	}
	return packed().roles[at].definition().clone(), true
}

// BuiltIns returns all built-in roles: first those that this project assigns or needs to know, then the others by name.
func BuiltIns() []Definition {
	first := map[string]bool{}
	var list []Definition
	for _, d := range cheap() {
		first[d.ID] = true
		list = append(list, d.clone())
	}
	n := len(list)
	for i := range packed().roles {
		if r := &packed().roles[i]; !first[r.id] {
			list = append(list, r.definition().clone())
		}
	}
	slices.SortFunc(list[n:], func(a, b Definition) int {
		return strings.Compare(strings.ToLower(a.RoleName), strings.ToLower(b.RoleName))
	})
	return list
}

// InvokerBuiltIns returns the names of the built-in roles that can be given to invokers instead of a custom one, the
// narrowest first: those that allow the article's 35 actions, for certain or perhaps, and AzureML Data Scientist, which
// Microsoft lists as able to run a batch deployment although it lacks one of them. Missing and Undecided return what
// such a role lacks.
func InvokerBuiltIns() []string {
	return []string{AzureMLDataScientist, AzureAIDeveloper, azureAIAdministrator, Contributor, Owner}
}

// actionNames are the full action names in built-in roles, in lower case: those of the control plane and those of the
// data plane.
var actionNames = sync.OnceValue(func() (names [2]map[string]bool) {
	names = [2]map[string]bool{{}, {}}
	for i := range packed().roles {
		for _, p := range packed().roles[i].definition().Permissions {
			for plane, lists := range [2][2][]string{{p.Actions, p.NotActions}, {p.DataActions, p.NotDataActions}} {
				for _, action := range slices.Concat(lists[0], lists[1]) {
					if !strings.Contains(action, "*") {
						names[plane][strings.ToLower(action)] = true
					}
				}
			}
		}
	}
	return names
})

type builtInSet struct {
	roles  []packedRole
	byName map[string]int
}

// packedRole is a built-in role whose permissions are read when they are first needed.
type packedRole struct {
	id, name    string
	permissions []byte
	once        sync.Once
	read        Definition
}

func (r *packedRole) definition() Definition {
	r.once.Do(func() {
		r.read = builtInDefinition(r.id, r.name)
		if err := json.Unmarshal(r.permissions, &r.read.Permissions); err != nil {
			panic("roles: all_built_in.gz: " + r.name + ": " + err.Error())
		}
		r.permissions = nil
	})
	return r.read
}

func builtInDefinition(id, name string) Definition {
	return Definition{ID: id, RoleName: name, AssignableScopes: []string{"/"}, BuiltIn: true}
}

func readCheap() []Definition {
	var docs []struct {
		ID, Name    string
		Permissions Permissions
	}
	if err := json.Unmarshal(cheapJSON, &docs); err != nil {
		panic("roles: built_in.json: " + err.Error())
	}
	list := make([]Definition, len(docs))
	for i, doc := range docs {
		list[i] = builtInDefinition(doc.ID, doc.Name)
		list[i].Permissions = doc.Permissions
	}
	return list
}

func readPacked() *builtInSet {
	r, err := gzip.NewReader(bytes.NewReader(allPacked))
	if err != nil {
		panic("roles: all_built_in.gz: " + err.Error())
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic("roles: all_built_in.gz: " + err.Error())
	}
	n := len(allIDs) / 16
	set := &builtInSet{roles: make([]packedRole, n), byName: make(map[string]int, n)}
	for i := range n {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		name, permissions, _ := strings.Cut(string(line), "\t")
		p := &set.roles[i]
		p.id, p.name, p.permissions = formatGUID(allIDs[i*16:][:16]), name, []byte(permissions)
		set.byName[strings.ToLower(name)] = i
	}
	return set
}

// indexOf finds an ID in the list of all built-in roles.
func indexOf(id []byte) (int, bool) {
	n := len(allIDs) / 16
	at := sort.Search(n, func(i int) bool { return bytes.Compare(allIDs[i*16:][:16], id) >= 0 })
	return at, at < n && bytes.Equal(allIDs[at*16:][:16], id)
}

func formatGUID(id []byte) string {
	h := hex.EncodeToString(id)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func parseGUID(s string) ([]byte, bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return nil, false
	}
	id, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	return id, err == nil && len(id) == 16
}
