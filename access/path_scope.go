package access

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/roles"
)

// KindOf returns the kind of a storage account, as far as the model says: one with an input of kind adlsGen2 is
// hierarchical.
func (m Model) KindOf(account string) roles.AccountKind { return m.kinds()[account] }

func (m Model) kinds() map[string]roles.AccountKind {
	kinds := map[string]roles.AccountKind{}
	maps.Copy(kinds, m.StorageAccountKinds)
	for _, d := range m.DataInputs {
		if d.Kind == ADLSGen2 {
			kinds[d.StorageAccount] = roles.Hierarchical
		}
	}
	return kinds
}

// limit returns the path as grants are limited to it: a folder ends in a slash, a file does not. It is "" for the whole
// container.
func (p Place) limit() string {
	path := strings.Trim(p.Path, "/")
	if path == "" || p.File {
		return path
	}
	return path + "/"
}

// limitsHold reports whether a grant that is limited to the paths covers one whole path. No paths mean the whole
// container.
func limitsHold(paths []string, limit string) bool {
	return len(paths) == 0 || limit != "" && slices.ContainsFunc(paths, func(p string) bool {
		return p == limit || strings.HasSuffix(p, "/") && strings.HasPrefix(limit, p)
	})
}

// limitsMeet reports whether a grant that is limited to the paths covers any part of one path.
func limitsMeet(paths []string, limit string) bool {
	return limit == "" || limitsHold(paths, limit) ||
		slices.ContainsFunc(paths, func(p string) bool { return limitsHold([]string{limit}, p) })
}

// leastPaths leaves out each path that another path contains.
func leastPaths(paths []string) (least []string) {
	for _, p := range paths {
		others := slices.DeleteFunc(slices.Clone(paths), func(other string) bool { return other == p })
		if len(others) == 0 || !limitsHold(others, p) {
			least = append(least, p)
		}
	}
	slices.Sort(least)
	return slices.Compact(least)
}

// limited checks an input or output whose grants are limited to its path.
func (v *validator) limited(path string, d DataInput) {
	if d.Scope != AtPath {
		return
	}
	if d.LimitedWithin() {
		v.lookUp(path+".path", "write the path of the data, or set scope to container", "is missing, but scope is path")
	} else if strings.Trim(d.Path, "/") == "" && d.Kind != DataStore { // pathGiven says so for a data store
		v.add(path+".path", "write the path of the data, or set scope to container", "is missing, but scope is path")
	} else if d.limit() != "" {
		for _, p := range roles.CheckLimit(d.Path) {
			v.add(path+".path", p.Fix, "%s", p.What)
		}
	}
	switch d.Mechanism() {
	case ByACL:
		v.add(path+".scope", "leave it out: an ACL is set at the path itself; or grant by rbac",
			"is path, but ACLs take no condition")
	case ByStoreCredential:
		v.add(path+".scope", "leave it out, or take the credential out of the data store",
			"is path, but the store's own credential opens the data, and no condition reaches it")
	case ByRBAC:
		account := d.StorageAccount
		if _, is := v.m.StorageAccounts[account]; is && v.m.KindOf(account) == "" {
			v.add(path+".scope", "say storageAccountKinds."+account+": flat, or hierarchical where the account has a "+
				"hierarchical namespace (az storage account show --query isHnsEnabled)",
				"is path, and it is not known whether %s has a hierarchical namespace, on which the condition depends", account)
		}
	}
}

// accountKinds checks what the model says of the kinds of storage accounts.
func (v *validator) accountKinds() {
	for _, name := range sorted(v.m.StorageAccountKinds) {
		path, kind := "storageAccountKinds."+name, v.m.StorageAccountKinds[name]
		v.refers(path, name, "storage account", keysOf(v.m.StorageAccounts))
		if v.oneOf(path, string(kind), []string{string(roles.Flat), string(roles.Hierarchical)}) && kind != v.m.KindOf(name) {
			v.add(path, "write hierarchical, or another kind of data input", "is flat, but an input of kind adlsGen2 lies in it")
		}
	}
}

// pathLimits warns of limits in the plan: a condition may be too long, and a wider grant may make a narrow one useless.
func (v *validator) pathLimits(p *Plan) {
	said := map[string]bool{}
	for _, n := range p.Needs {
		if n.Path == "" {
			continue
		}
		path := "dataInputs." + n.Data + ".scope"
		if n.Hop == WriteHop || p.Model.DataInputs[n.Data].Kind == "" {
			path = "dataOutputs." + n.Data + ".scope"
		}
		who := p.identity[n.Principal]
		for _, g := range p.Grants {
			if !slices.Contains(p.Holders(who), g.Principal) || !g.Scope.Contains(n.At) || !g.Scope.InStorage() ||
				g.Role != n.Role && !covers[g.Role][n.Role] || !limitsHold(g.Paths, n.Path) {
				continue
			}
			key := path + g.Principal.String()
			switch _, ps := roles.PathCondition(g.Paths, p.Model.KindOf(n.At.StorageAccount), g.Role); {
			case said[key]:
			case len(g.Paths) == 0:
				v.warn(path, "set scope: path for the other too, or leave it out here",
					"limits nothing for %s, which holds %s to %s", who, g, strings.Join(g.Reasons, ", "))
			case ps.Err() != nil && !said[path+ps[0].What]: // reported once for all its holders
				v.add(path, ps[0].Fix, "%s", ps[0].What)
				said[path+ps[0].What] = true
			}
			said[key] = true
		}
	}
}

// Asks returns a condition that allows exactly the requests of a job at the place, and the operations that the job
// makes with the data action: it reads or writes content, and for reading a folder it lists too. No job asks for data
// of other accounts and containers, or for older versions. account is the account's name in Azure.
func (p Place) Asks(account string, kind roles.AccountKind, dataAction string) (condition.Condition,
	[]condition.Operation) {
	const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers"
	text := "@Resource[Microsoft.Storage/storageAccounts:name] StringEqualsIgnoreCase '" + account +
		"' AND NOT Exists @Request[" + blobs + "/blobs:versionId] AND NOT Exists @Request[" + blobs + "/blobs:snapshot]"
	if p.Container != "" {
		text += " AND @Resource[" + blobs + ":name] StringEquals '" + p.Container + "'"
	}
	if limit := p.limit(); limit != "" {
		role := roles.StorageBlobDataReader
		if dataAction == roles.WriteBlobs {
			role = roles.StorageBlobPathWriter
		}
		limited, _ := roles.PathCondition([]string{limit}, kind, role)
		text += " AND " + limited
	}
	c, ps := condition.Parse(text)
	if ps.Err() != nil { // no condition can hold the path, so the request is not known
		c = condition.Always
	}
	operations := []condition.Operation{{Action: dataAction}}
	if dataAction == roles.ReadBlobs && !p.File {
		operations = append(operations, condition.Operation{Action: dataAction, SubOperation: "Blob.List"})
	}
	return c, operations
}
