package explain

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// WriteTable writes for a terminal, with colours if colour is set.
func WriteTable(w io.Writer, x Explanation, colour bool) error {
	var out strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = visible.Text(cells[i])
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	for _, c := range x.Components {
		p("%s: workspace %s\n", visible.Text(c.Name), visible.Text(c.WorkspaceID))
	}
	if len(x.Components) > 0 {
		p("\n")
	}
	head := []string{"INVOKER", "ENDPOINT", "INPUT", "WORKS"}
	kinds := x.hopKinds() // of all paths: not to be asked for each
	for _, kind := range kinds {
		head = append(head, strings.ToUpper(string(kind)))
	}
	row(append(head, "WHY NOT")...)
	for _, path := range x.Paths {
		cells := []string{path.Invoker, path.Target(), inputName(path.Input), outcome(path)}
		for _, kind := range kinds {
			cells = append(cells, hopMark(path, kind))
		}
		row(append(cells, path.Why)...)
	}
	_ = table.Flush() // into a strings.Builder
	if len(x.Assertions) > 0 {
		p("\nASSERTIONS\n")
	}
	for _, v := range x.Assertions {
		p("  %s  %s: %s\n", holds(v), visible.Text(v.Name), visible.Text(v.Says))
		if !v.Holds {
			p("    %s\n    %s\n", visible.Text(v.Because), visible.Text(v.Fix))
		}
	}
	p("\nGRANTS\n")
	for _, g := range x.Grants {
		cells := []string{"  " + g.Principal.String(), g.Role, g.Scope.String(), strings.Join(g.Reasons, ", ")}
		if owners := g.Owners(); owners != "" {
			cells = append(cells, "owner: "+owners)
		}
		row(cells...)
	}
	_ = table.Flush()
	for _, a := range x.ACLs {
		p("  %s  ACL %s on %s, set outside of this stack\n", a.Principal, a.Permissions,
			visible.Text(a.StorageAccount+"/"+a.Container+a.Path))
	}
	if len(x.Alone) > 0 {
		p("\nCOMPONENTS USED ALONE\n")
	}
	for _, a := range x.Alone {
		row("  "+a.Component, a.who(), a.Role, a.at())
	}
	_ = table.Flush()
	if len(x.Owners) > 0 {
		p("\nOWNERS\n")
	}
	for _, o := range x.Owners {
		row("  "+o.Path, o.Owner)
	}
	_ = table.Flush()
	if len(x.Findings) > 0 {
		p("\nFINDINGS\n")
	}
	for _, f := range x.Findings {
		p("  %s: %s\n    %s\n", visible.Text(f.Place()), visible.Text(short(f.What)), visible.Text(f.Fix))
	}
	ends := x.endsAt()
	if len(ends) > 0 {
		p("\nINDIRECT WAYS TO IDENTITIES, SECRETS AND GRANTS\n")
	}
	for _, end := range ends {
		p("  %s\n", visible.Text(short(end.line)))
		if end.cut != "" {
			p("    %s\n", visible.Text(end.cut))
		}
	}
	if note := x.notWalked(); note != "" {
		p("\n%s\n", note)
	}
	if out := x.notLookedAt(); out != "" {
		p("\n%s\n", visible.Text(out))
	}
	p("\nstack %s: %s\n", visible.Text(x.Stack), x.verdict())
	text := out.String()
	if colour {
		text = strings.NewReplacer(" BROKEN ", " "+red("BROKEN")+" ", " NO ", " "+red("NO")+" ", "VIOLATED", red("VIOLATED"),
			"  holds  ", "  \x1b[32mholds\x1b[0m  ", " yes ", " \x1b[32myes\x1b[0m ").Replace(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

func red(s string) string { return "\x1b[31m" + s + "\x1b[0m" }

// short leaves out the provider's name, which nearly all actions share.
func short(s string) string {
	return strings.ReplaceAll(s, "Microsoft.MachineLearningServices/workspaces/", "")
}
