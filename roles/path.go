package roles

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// An AccountKind says whether the directories of a storage account are resources of their own. A condition on a path
// depends on it.
type AccountKind string

// The kinds of storage accounts.
const (
	Flat         AccountKind = "flat"
	Hierarchical AccountKind = "hierarchical" // with a hierarchical namespace: Azure Data Lake Storage Gen2
)

// PathCondition returns the condition that limits a storage role at a container to paths in it: folders, which end in a
// slash, and files (facts/conditions.md, "Reading and listing below one prefix"). The problems have no path.
//
// Reading and listing have a clause each: without the second, the whole container could be listed. A folder's path
// keeps its slash, or the condition would allow its siblings too. In a hierarchical account the folder has a path of
// its own, without the slash. A writer's path may be a file as well as a folder: a job writes one file, which must not
// exist (facts/batch-endpoints.md, outputs), and other clients write folders. Files are not listed.
func PathCondition(paths []string, kind AccountKind, role string) (text string, ps problem.List) {
	const blobs = storageAccounts + "blobServices/containers/blobs"
	if kind != Flat && kind != Hierarchical {
		ps.Add("", "use flat or hierarchical", "%q is no kind of a storage account", kind)
	}
	if len(paths) == 0 {
		ps.Add("", "write at least one path", "a condition limits the role to paths, and there is none")
	}
	var content, lists []string
	for _, path := range paths {
		ps = append(ps, checkPath(path)...)
		folder, is := strings.CutSuffix(path, "/")
		below, at := "StringStartsWith '"+path+"'", "StringEquals '"+folder+"'"
		if is {
			content = append(content, "@Resource["+blobs+":path] "+below)
			lists = append(lists, "@Request["+blobs+":prefix] "+below)
		}
		if !is || kind == Hierarchical || role == StorageBlobPathWriter {
			content = append(content, "@Resource["+blobs+":path] "+at)
		}
		if is && kind == Hierarchical {
			lists = append(lists, "@Request["+blobs+":prefix] "+at)
		}
	}
	targets := []string{"!(ActionMatches{'" + ReadBlobs + "'})"}
	if len(lists) > 0 {
		targets[0] = "!(ActionMatches{'" + ReadBlobs + "'} AND NOT SubOperationMatches{'Blob.List'})"
	}
	if role == StorageBlobPathWriter {
		for _, action := range PathWriter().Permissions[0].DataActions {
			if action != ReadBlobs {
				targets = append(targets, "!(ActionMatches{'"+action+"'})")
			}
		}
	}
	text = clause(targets, content)
	if len(lists) > 0 {
		text += " AND " + clause([]string{"!(ActionMatches{'" + ReadBlobs +
			"'} AND SubOperationMatches{'Blob.List'})"}, lists)
	}
	if len(text) > condition.MaxLength {
		limits := "1 path"
		if len(paths) > 1 {
			limits = fmt.Sprintf("%d paths", len(paths))
		}
		ps.Add("", "limit it to fewer or shorter paths, to a folder above them, or not at all",
			"the condition that limits the role to %s has %d bytes, and Azure allows %d", limits, len(text),
			condition.MaxLength)
	}
	return text, ps
}

// clause allows an operation that is none of the targets, and a target for which one of the expressions is true.
func clause(targets, expressions []string) string {
	return "((" + strings.Join(targets, " AND ") + ") OR (" + strings.Join(expressions, " OR ") + "))"
}

// A pathFault is a reason why a condition can't hold a path, or why it is not known how Azure compares it.
type pathFault struct {
	is   func(path string) bool
	says string
	// anywhere is set if no data can have such a path, limited to it or not. The check of data paths reports it then.
	anywhere bool
}

var pathFaults = []pathFault{
	{func(p string) bool { return strings.ContainsFunc(p, unicode.IsControl) }, "holds a control character", true},
	{func(p string) bool { return strings.ContainsFunc(p, isHidden) || !utf8.ValidString(p) },
		"holds a character that conditions do not take", false},
	{func(p string) bool { return strings.Contains(p, "'") }, "holds a single quote, for which conditions have no escape",
		false},
	{func(p string) bool { return strings.Contains(p, "%") && !halfEscaped(p) }, "holds an escape, and no document says " +
		"how a condition sees it", false},
	{halfEscaped, "holds a % that begins no escape", true},
	{func(p string) bool { return strings.ContainsAny(p, `*?#\`) }, "holds a wildcard, or what no path holds", true},
	{func(p string) bool { return strings.Contains(p, "//") }, "holds a folder without a name", true},
}

func halfEscaped(path string) bool {
	_, err := url.PathUnescape(path)
	return err != nil
}

// checkPath refuses a path that a condition can't hold, or of which it is not known how Azure compares it. Each fault
// is a problem.
func checkPath(path string) (ps problem.List) {
	if strings.Trim(path, "/") == "" || strings.HasPrefix(path, "/") {
		ps.Add("", "write the path from the top of the container, without a slash before it", "%q is no path in a container",
			path)
		return ps
	}
	return faultsOf(path, true)
}

// CheckLimit refuses a path that data can have and a condition can't hold. The check of data paths refuses the others.
func CheckLimit(path string) problem.List { return faultsOf(path, false) }

func faultsOf(path string, all bool) (ps problem.List) {
	for _, fault := range pathFaults {
		if (all || !fault.anywhere) && fault.is(path) {
			ps.Add("", "rename the folder, or limit the role to a folder above it", "%q %s", path, fault.says)
		}
	}
	return ps
}

// isHidden reports whether a reader of a condition would not see a character, or would see other characters in the
// wrong place. Control characters are checked apart.
func isHidden(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}
