package review

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// A section is one table of a review, as plain text. Each renderer escapes it in its own way.
type section struct {
	title  string
	header []string
	rows   [][]string
	about  []about // for each row, what the page's filter finds it by; nil if every row stays with any choice
	folded bool    // details, which a reader opens
	rank   int     // a higher rank is cut first if there is no room
}

// sections returns the tables of a review, the most important first.
func (r Review) sections() (all []section) {
	rank := rankGrave
	var of []about
	add := func(title, header string, folded bool, rows [][]string) {
		if len(rows) > 0 {
			all = append(all, section{title: title, header: strings.Split(header, "|"), rows: rows, about: of, folded: folded,
				rank: rank})
		}
		rank, of = rankTable, nil
	}
	var rows [][]string
	for _, text := range r.Unread {
		rows = append(rows, []string{text})
	}
	add("What could not be read", "what", false, rows)

	rows = nil
	for _, u := range r.Unjudged {
		which := visible.Some(u.Resources, manyNames)
		what := u.Type
		if len(u.Inputs) > 0 {
			what += ": " + strings.Join(u.Inputs, ", ")
		}
		rows = append(rows, []string{what, fmt.Sprint(u.Count), which})
	}
	rank = rankGrave
	add("Changed, and not judged: it is not known what access these give", "type|number|resources", false, rows)

	rows = nil
	for _, f := range r.Guardrails {
		level, remedy := string(f.Level), f.Remedy
		if f.Waived != "" {
			level, remedy = "waived", f.Waived
		}
		rows = append(rows, []string{level, f.Resource, f.What, remedy, f.Rule})
	}
	rank = rankGrave
	add("Guardrails", "level|resource|what|what to do|rule", false, rows)

	for _, gains := range []bool{true, false} {
		rows = nil
		for _, c := range r.Access {
			if (len(c.New) > 0) == gains {
				rows = append(rows, []string{string(c.Risk), c.Principal.String(), c.sentence()})
				of = append(of, about{people: []string{shortName(c.Principal.Name)}})
			}
		}
		if gains {
			rank = rankGains
			add("Who gains access", "risk|who|what", false, rows)
		} else {
			add("Who loses access, or has it in another way", "risk|who|what", false, rows)
		}
	}

	rows = nil
	for _, i := range r.Interruptions {
		rows = append(rows, []string{i.Change, strings.Join(i.Who, ", "), i.What, i.From, i.To, i.Running})
		of = append(of, i.about())
	}
	rank = rankGains
	add("Who loses access for a while, and what may be renamed", "what|who|of what|from|until|jobs that run then", false,
		rows)

	rows = nil
	for _, o := range r.Other {
		rows = append(rows, []string{string(o.Risk), o.Type + " " + o.Resource, o.Change, o.What})
	}
	rank = rankGains
	add("What else gives access", "risk|resource|change|what it does", false, rows)

	rows = nil
	for _, j := range r.Jobs {
		what := j.Change
		if j.Broken {
			what += ", though it is declared"
		}
		rows = append(rows, []string{what, visible.WithOwner(j.Invoker, j.InvokerOwner),
			visible.WithOwner(j.Endpoint, j.EndpointOwner), visible.WithOwner(j.Input, j.InputOwner), j.Before, j.After})
		of = append(of, about{[]string{j.Invoker}, []string{j.Endpoint}, []string{j.Input}})
	}
	add("Jobs that start or stop working", "job|invoker|endpoint|input|before|after", false, rows)

	rows = nil
	for _, w := range r.wayRows() {
		rows = append(rows, []string{string(w.risk), w.change, w.text})
		of = append(of, w.about)
	}
	rank = rankGains
	add("Indirect ways", "risk|way|who, and how", false, rows)

	rows = nil
	for _, i := range r.Identities {
		rows = append(rows, []string{string(i.Risk), i.Of, i.Change + ": " + i.Before + " → " + i.After, i.What})
		of = append(of, i.about)
	}
	add("Managed identities", "risk|whose|what|which means", false, rows)

	rows = nil
	for _, f := range r.Federation {
		rows = append(rows, []string{string(f.Risk), f.Name, f.As, f.Change, orDash(f.Before), orDash(f.After)})
		of = append(of, ofInvoker(f.invoker))
	}
	add("Who may sign in by federation", "risk|credential|signs in as|what|before|after", false, rows)

	rows = nil
	for _, s := range r.Secrets {
		rows = append(rows, []string{string(s.Risk), s.Secret, s.As, s.Change, orDash(s.Ends), s.What})
		of = append(of, ofInvoker(s.invoker))
	}
	add("Client secrets", "risk|secret|signs in as|what|ends|which means", false, rows)

	for _, c := range r.Roles {
		rows = nil
		for _, a := range c.Gained {
			rows = append(rows, []string{"+", a.String(), risky(a)})
		}
		for _, a := range c.Lost {
			rows = append(rows, []string{"-", a.String(), risky(a)})
		}
		add(fmt.Sprintf("Role %s: %s", c.Role, c.Change), "|action|risk", true, rows)
	}
	return all
}

// sentence describes a change of access.
func (c AccessChange) sentence() string {
	var text string
	switch c.Change {
	case "gained":
		text = "gains " + c.Role + " on " + c.After
	case "lost":
		text = "loses " + c.Role + " on " + c.Before
	case "moved":
		text = c.Role + ": from " + c.Before + " to " + c.After
	default:
		text = c.Role + " on " + c.After + " allows something else"
		if strings.Contains(c.After, " on ") {
			text = "from " + c.Before + " to " + c.After
		}
	}
	switch gained, gone := len(c.New), len(c.Gone); {
	case c.Condition+c.Undecided != "" && c.Change == "changed":
		text += "; " + c.Condition + c.Undecided // of which one is empty
	case c.Wider && gained > 0:
		text += "; the same actions, at a wider scope"
	case gained+gone == 0 && c.Change == "lost":
		text += "; still has all of it otherwise"
	case gained+gone == 0:
		text += "; nothing that it could not do before"
	case gained == 0:
		text += "; " + visible.Counted(gone, "action") + " less"
	case gone == 0:
		text += "; " + visible.Counted(gained, "action") + " more"
	default:
		text += fmt.Sprintf("; %s more, %d less", visible.Counted(gained, "action"), gone)
	}
	if c.Condition+c.Undecided != "" && c.Change != "changed" {
		text += "; " + c.Condition + c.Undecided
	}
	byRisk := map[roles.Risk][]string{}
	for _, a := range c.New {
		if risk := a.Risk(); risk != "" {
			byRisk[risk] = append(byRisk[risk], shortAction(a.Name))
		}
	}
	for _, risk := range roles.Risks() {
		if names := byRisk[risk]; len(names) > 0 {
			text += "; " + riskWords[risk] + ": " + visible.Some(names, manyNames)
		}
	}
	if len(c.DataOwners) > 0 {
		text += "; owner of the data: " + visible.Some(c.DataOwners, manyNames)
	}
	return text
}

var riskWords = map[roles.Risk]string{
	roles.GrantsAccess: "GRANTS ACCESS", roles.ReadsSecrets: "READS SECRETS", roles.ChangesCode: "CHANGES " +
		"CODE", roles.DestroysData: "DESTROYS DATA",
}

func risky(a roles.Action) string { return strings.ToLower(riskWords[a.Risk()]) }

// shortAction removes the provider and the resource type, which all of them share.
func shortAction(name string) string {
	for _, prefix := range []string{"Microsoft.MachineLearningServices/workspaces/",
		"Microsoft.Storage/storageAccounts/blobServices/containers/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
