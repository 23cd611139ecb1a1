package explain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/batchaccess/batchaccess/access"
)

// Words that every format uses, so that all say the same.

func count(n int) string { return strconv.Itoa(n) }

// notLookedAt returns in one line what the paths leave out; "" for nothing.
func (x Explanation) notLookedAt() string {
	if len(x.NotLookedAt) == 0 {
		return ""
	}
	return "not looked at: " + strings.Join(x.NotLookedAt, ", ")
}

// notWalked says that nobody has gone the indirect ways; "" where there are none.
func (x Explanation) notWalked() string {
	if len(x.Ways) == 0 {
		return ""
	}
	return "Indirect ways are found in the configuration, and not walked: batchaccess rehearse walks them, and says " +
		"which it can't."
}

func inputName(input string) string { return access.Path{Input: input}.InputName() }

// outcome returns a path's result in one word, which also says whether that was declared.
func outcome(p Path) string {
	switch {
	case p.Works && p.Declared:
		return "yes"
	case p.Works:
		return "yes, undeclared"
	case p.Undecided:
		return "undecided"
	case p.Declared:
		return "BROKEN"
	default:
		return "no"
	}
}

func holds(v access.Verdict) string {
	if v.Holds {
		return "holds"
	}
	return "VIOLATED"
}

// hopKinds are the columns of a table of hops; services are among them if a path has them.
func (x Explanation) hopKinds() []access.HopKind {
	return slices.DeleteFunc([]access.HopKind{access.TokenHop, access.InvokeHop, access.RegistryHop, access.ImageHop,
		access.StoresHop, access.MountHop, access.ReadHop, access.WriteHop}, func(kind access.HopKind) bool {
		rest := kind == access.RegistryHop || kind == access.ImageHop || kind == access.StoresHop
		return rest && !slices.ContainsFunc(x.Paths, func(p Path) bool {
			return slices.ContainsFunc(p.Hops, func(h access.Hop) bool { return h.Kind == kind })
		})
	})
}

// hopMark says whether all hops of one kind work: a path with outputs has several.
func hopMark(p Path, kind access.HopKind) string {
	mark := "-"
	for _, h := range p.Hops {
		switch {
		case h.Kind == kind && h.Undecided:
			mark = "?"
		case h.Kind == kind && h.Missing != "":
			return "NO"
		case h.Kind == kind && mark == "?":
		case h.Kind == kind:
			mark = "ok"
		}
	}
	return mark
}
