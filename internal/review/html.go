package review

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/page"
	"github.com/batchaccess/batchaccess/internal/visible"
)

// mostLines is the largest number of lines in a graph of a page: with more, nobody could distinguish them. Lines that
// do not change are left out first.
const mostLines = 400

// indirect is the kind of lines without a job.
const indirect = "indirect"

// A reached is what the jobs of one BatchEndpointAccess reach at both sides of a change.
type reached struct {
	component string // its name, if there are several
	old, now  map[place]*access.Path
}

// HTML writes the review as one page that needs nothing else: no network, no font, no script.
func HTML(w io.Writer, r Review) error {
	text := visible.HTML.Escape
	t := &strings.Builder{}
	project := "" // that of a comparison of configurations is not known
	if r.Project != "" {
		project = "<p class=\"id\">project " + text(r.Project) + "</p>\n"
	}
	f := filterOf(r)
	css := page.CSS + f.CSS(nil)
	fmt.Fprintf(t, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Access review of stack %s</title>
<style>%s</style>
</head>
<body>
<header>
<h1>Access review of stack %s</h1>
<p class="verdict %s">%s</p>
%s<p class="id">%s</p>
%s</header>
<main>
`, text(page.Policy(css)), text(r.Stack), css, text(r.Stack), verdictClass(r), text(r.Verdict),
		project, text(r.made), f.Controls(func(c page.Choice) string { return visible.Text(engine.Clip(c.Name)) }))
	all := slices.SortedFunc(slices.Values(r.reached), func(a, b reached) int {
		return strings.Compare(a.component, b.component)
	})
	for i, of := range all {
		of.write(t, r, i, f)
	}
	r.writeAssignments(t, f)
	for i, s := range r.sections() {
		writeSection(t, s, i, f)
	}
	if len(r.Notes) > 0 {
		t.WriteString("<section><h2>Notes</h2><ul>")
		for _, note := range r.Notes {
			fmt.Fprintf(t, "<li>%s</li>", text(note))
		}
		t.WriteString("</ul></section>\n")
	}
	t.WriteString("</main>\n</body>\n</html>\n")
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}

func verdictClass(r Review) string {
	switch {
	case r.Risk == High || r.stopping() > 0: // first: something that is not judged makes no change less grave
		return "broken"
	case r.Partial() || len(r.Unjudged) > 0 || r.Risk == Medium:
		return "undeclared"
	}
	return "works"
}

func writeSection(t *strings.Builder, s section, i int, f page.Filter) {
	id := fmt.Sprintf("s%d", i)
	fmt.Fprintf(t, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", id, id, visible.HTML.Escape(s.title))
	if s.folded {
		fmt.Fprintf(t, "<details><summary>%d lines</summary>\n", len(s.rows))
	}
	fmt.Fprintf(t, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s\">\n", id)
	t.WriteString("<table class=\"list\"><thead><tr>")
	for _, h := range s.header {
		fmt.Fprintf(t, "<th scope=\"col\">%s</th>", visible.HTML.Escape(h))
	}
	t.WriteString("</tr></thead><tbody>\n")
	for row, cells := range s.rows {
		class := ""
		if s.about != nil {
			class = fmt.Sprintf(" class=%q", s.about[row].classes(f))
		}
		fmt.Fprintf(t, "<tr%s>", class)
		for _, c := range cells {
			fmt.Fprintf(t, "<td>%s</td>", visible.HTML.Escape(c))
		}
		t.WriteString("</tr>\n")
	}
	t.WriteString("</tbody></table>\n</div>\n")
	if s.folded {
		t.WriteString("</details>\n")
	}
	t.WriteString("</section>\n")
}

// A line is an edge before it is drawn. Its parts, such as the inputs of jobs, each come, go or stay: a line that stays
// must not hide a part that comes.
type line struct {
	from, to string // the nodes' keys
	parts    map[string]*sides
	about    about
}

// sides say when something exists, and whether that is undecided.
type sides struct{ before, after, undecided bool }

func (s *sides) at(when side) {
	s.before, s.after = s.before || when == before, s.after || when == after
}

// word says what happens to it.
func (s sides) word() string {
	switch {
	case s.undecided:
		return "is undecided"
	case s.before && s.after:
		return "stays"
	case s.after:
		return "comes"
	}
	return "goes"
}

// class says how a line is drawn.
func (l line) class() string {
	words := map[string]bool{}
	for _, part := range l.parts {
		words[part.word()] = true
	}
	switch {
	case words["is undecided"], words["comes"] && words["goes"]:
		return "undeclared"
	case words["comes"]:
		return "gained"
	case words["goes"]:
		return "lost"
	}
	return "reads"
}

// says lists what happens to each part, or the parts alone if their names say it.
func (l line) says(alone bool) string {
	all := slices.Sorted(maps.Keys(l.parts))
	for i, name := range all {
		if !alone {
			all[i] += " " + l.parts[name].word()
		}
	}
	return strings.Join(all, "; ")
}

// A drawing collects nodes and lines, each once, by key.
type drawing struct {
	columns [][]page.Node
	sides   map[string]*sides // of nodes
	about   map[string]about  // of nodes
	lines   map[[3]string]*line
	order   [][3]string
	whole   bool // draw all of both sides, and mark what comes and goes
}

func newDrawing(columns int) *drawing {
	return &drawing{columns: make([][]page.Node, columns), sides: map[string]*sides{},
		about: map[string]about{}, lines: map[[3]string]*line{}}
}

// node adds a node, or one more side to it, and returns its key.
func (d *drawing) node(column int, kind, name string, when side) string {
	key := kind + " " + name
	if d.sides[key] == nil {
		d.sides[key] = &sides{}
		d.columns[column] = append(d.columns[column], page.Node{Key: key, Class: kind, Label: name, Title: name, Below: kind})
	}
	d.sides[key].at(when)
	return key
}

// anySide returns the key of a node whose side does not matter: a new one is drawn at both.
func (d *drawing) anySide(column int, kind, name string) string {
	if key := kind + " " + name; d.sides[key] != nil {
		return key
	}
	d.node(column, kind, name, before)
	return d.node(column, kind, name, after)
}

// of adds to what a node is about.
func (d *drawing) of(key string, more about) { d.about[key] = d.about[key].and(more) }

// ofLine adds to what a line is about.
func (d *drawing) ofLine(kind, from, to string, more about) {
	l := d.lines[[3]string{kind, from, to}]
	l.about = l.about.and(more)
}

// line adds a part of a line of a kind, or one more side to it.
func (d *drawing) line(kind, from, to string, when side, part string) *sides {
	key := [3]string{kind, from, to}
	l := d.lines[key]
	if l == nil {
		l = &line{from: from, to: to, parts: map[string]*sides{}}
		d.lines[key] = l
		d.order = append(d.order, key)
	}
	if l.parts[part] == nil {
		l.parts[part] = &sides{}
	}
	l.parts[part].at(when)
	return l.parts[part]
}

// write draws the graph.
func (d *drawing) write(t *strings.Builder, title, legend, id string, f page.Filter) {
	for _, nodes := range d.columns {
		for i := range nodes {
			n := &nodes[i]
			n.Class += " " + d.about[n.Key].classes(f)
			switch s := d.sides[n.Key]; {
			case !d.whole:
				continue
			case s.before && !s.after:
				n.Label, n.Below, n.Class = "− "+n.Label, n.Below+", goes", n.Class+" lost"
			case s.after && !s.before:
				n.Label, n.Below, n.Class = "+ "+n.Label, n.Below+", new", n.Class+" gained"
			}
			n.Title += ", " + n.Below
		}
	}
	// Lines that stay are drawn first, so that changes lie above them; they are left out first too.
	slices.SortStableFunc(d.order, func(a, b [3]string) int { return d.stays(b) - d.stays(a) })
	left := max(0, len(d.order)-mostLines)
	if left > 0 {
		drawn := map[string]bool{}
		for _, key := range d.order[left:] {
			drawn[d.lines[key].from], drawn[d.lines[key].to] = true, true
		}
		for i := range d.columns {
			d.columns[i] = slices.DeleteFunc(d.columns[i], func(n page.Node) bool { return !drawn[n.Key] })
		}
	}
	g := page.NewGraph(d.columns...)
	for _, key := range d.order[left:] {
		l := d.lines[key]
		class := l.class()
		if key[0] == indirect {
			class += " indirect"
		}
		class += " " + l.about.classes(f)
		g.Join(l.from, l.to, class, d.title(l.from)+" to "+d.title(l.to)+": "+l.says(!d.whole))
	}
	text := visible.HTML.Escape
	fmt.Fprintf(t, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n<p class=\"legend\">%s", id, id, text(title),
		legend)
	if left > 0 {
		fmt.Fprintf(t, " %d lines are left out; the tables have all that changes.", left)
	}
	fmt.Fprintf(t, "</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s\">\n"+
		"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"%s\" width=\"%d\" height=\"%d\" "+
		"viewBox=\"0 0 %d %d\">\n", id, id, g.Width, g.Height, g.Width, g.Height)
	for _, e := range g.Edges {
		fmt.Fprintf(t, "<path class=\"%s\" d=\"%s\"><title>%s</title></path>\n", e.Class, e.D, text(e.Title))
	}
	for _, n := range g.Nodes {
		fmt.Fprintf(t, "<g class=\"%s\" transform=\"translate(%d %d)\"><title>%s</title><rect width=\"190\" height=\"40\" "+
			"rx=\"6\"/><text x=\"10\" y=\"17\">%s</text><text class=\"below\" x=\"10\" y=\"32\">%s</text></g>\n",
			n.Class, n.X, n.Y, text(n.Title), text(n.Label), text(n.Below))
	}
	t.WriteString("</svg>\n</div>\n</section>\n")
}

func (d *drawing) stays(key [3]string) int {
	if d.lines[key].class() == "reads" {
		return 1
	}
	return 0
}

// title returns a node's name: its key without its kind.
func (d *drawing) title(key string) string {
	_, name, _ := strings.Cut(key, " ")
	return name
}

const changeLegend = `<span class="not">Thin</span> stays, <span class="works">thick</span> comes, ` +
	`<span class="broken">dotted</span> goes, <span class="undeclared">dashed</span> does both or is undecided; ` +
	`point at a line to read it.`

const indirectLegend = ` <span class="indirect">Dashes and dots</span> are indirect ways.`

// write draws invokers, endpoints and data: which jobs work before and after.
func (of reached) write(t *strings.Builder, r Review, i int, f page.Filter) {
	d := newDrawing(3)
	d.whole = true
	for _, one := range []struct {
		when  side
		paths map[place]*access.Path
	}{{before, of.old}, {after, of.now}} {
		places := slices.SortedFunc(maps.Keys(one.paths), place.compare)
		for _, at := range places {
			who, endpoint := d.node(0, "invoker", at.invoker, one.when), d.node(1, "endpoint", at.endpoint, one.when)
			input, name := "", access.Path{Input: at.input}.InputName()
			if at.input != "" {
				input = d.node(2, "input", at.input, one.when)
				d.line("", endpoint, input, one.when, "data of jobs")
				d.of(input, about{data: []string{name}})
				d.of(endpoint, about{data: []string{name}})
			}
			d.of(who, about{people: []string{at.invoker}})
			d.of(endpoint, about{endpoints: []string{at.endpoint}})
			p := one.paths[at]
			if !p.Works() && !p.Undecided() {
				continue
			}
			part := d.line("", who, endpoint, one.when, name)
			part.undecided = part.undecided || p.Undecided()
			job := about{}.with(at.invoker, at.endpoint, name)
			d.of(endpoint, job)
			d.ofLine("", who, endpoint, job)
			if input != "" {
				d.of(input, job)
				d.ofLine("", endpoint, input, job)
			}
			d.of(who, about{endpoints: job.endpoints, data: job.data})
		}
	}
	for _, w := range r.Ways {
		if w.component != of.component {
			continue
		}
		when := map[bool]side{true: before, false: after}[w.Change == closes]
		var to string
		switch {
		case w.Input != "":
			to = d.anySide(2, "input", w.Input)
		case w.Output != "":
			to = d.anySide(2, "output", w.Output)
		case w.EveryInvoker:
			to = d.anySide(2, "reached", "by the 35 actions")
		default:
			to = d.anySide(2, "reached", w.Ends)
		}
		d.of(to, w.about())
		for _, name := range w.Who {
			who := d.anySide(0, "invoker", name)
			part := d.line(indirect, who, to, when, w.Way)
			part.undecided = part.undecided || w.Undecided
			d.of(who, about{people: []string{name}, data: w.about().data})
			d.ofLine(indirect, who, to, about{people: []string{name}, data: w.about().data})
		}
	}
	title := "Whose jobs work, before and after"
	if of.component != "" && len(r.reached) > 1 {
		title += ": " + of.component
	}
	d.write(t, title, changeLegend+indirectLegend, fmt.Sprint("jobs", i), f)
}

func (p place) compare(other place) int {
	return slices.Compare([]string{p.invoker, p.endpoint, p.input}, []string{other.invoker, other.endpoint, other.input})
}

// writeAssignments draws the changed assignments: who gets which role where.
func (r Review) writeAssignments(t *strings.Builder, f page.Filter) {
	d := newDrawing(2)
	for _, c := range r.Access {
		if len(c.New)+len(c.Gone) == 0 {
			continue
		}
		draw := func(when side, at, word string) {
			who, where := d.node(0, "principal", c.Principal.Name, when), d.node(1, "place", at, when)
			d.line("", who, where, when, word+c.Role)
			person := about{people: []string{shortName(c.Principal.Name)}}
			d.of(who, person)
			d.of(where, person)
			d.ofLine("", who, where, person)
		}
		if c.Change != "gained" && len(c.Gone) > 0 {
			draw(before, c.from, "loses ")
		}
		if len(c.New) > 0 {
			draw(after, c.to, "gains ")
		}
	}
	if len(d.order) > 0 {
		d.write(t, "Who gains and loses which role where", changeLegend, "assignments", f)
	}
}
