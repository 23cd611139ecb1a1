package main

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	mostCharacters = 120
	// baseline holds how many lines of Go are wider. It may only become smaller.
	baseline = "tools/lint/wide_lines"
)

// wideLines finds lines of Go that are too wide and have been changed or are new, and that there are more of them than
// the baseline says.
func (r *repository) wideLines() ([]string, error) {
	base, err := r.base()
	if err != nil {
		return nil, err
	}
	changed, gone, err := r.changed(base)
	if err != nil {
		return nil, err
	}
	var problems []string
	total := 0
	for _, name := range r.files {
		if path.Ext(name) != ".go" || strings.HasPrefix(name, "sdks/") { // sdks/ is generated
			continue
		}
		text, err := os.ReadFile(r.path(name))
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			width := utf8.RuneCountInString(strings.TrimRight(line, "\r\n"))
			if width <= mostCharacters {
				continue
			}
			total++
			if text := strings.TrimRight(line, "\r\n"); gone[text] > 0 && changed.holds(name, number) {
				gone[text]-- // it was only moved
			} else if changed.holds(name, number) {
				problems = append(problems, fmt.Sprintf("%s:%d: %d characters, and a line that is changed or new has at most %d",
					name, number, width, mostCharacters))
			}
		}
	}
	counted, err := r.countedAt(base, total)
	return append(problems, counted...), err
}

// countedAt holds the number of wide lines against the baseline, and the baseline against the one of the base.
func (r *repository) countedAt(base string, total int) ([]string, error) {
	text, err := os.ReadFile(r.path(baseline))
	if err != nil {
		return nil, err
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", baseline, err)
	}
	var problems []string
	if total > most {
		problems = append(problems, fmt.Sprintf("%d lines of Go have more than %d characters, and %s allows %d",
			total, mostCharacters, baseline, most))
	} else if total < most {
		fmt.Fprintf(os.Stderr, "%d lines of Go have more than %d characters: lower the %d in %s\n",
			total, mostCharacters, most, baseline)
	}
	if earlier, err := r.git("show", base+":"+baseline); err == nil {
		before, err := strconv.Atoi(strings.TrimSpace(earlier))
		if err == nil && most > before {
			problems = append(problems, fmt.Sprintf("%s was %d and may only become smaller, not %d", baseline, before, most))
		}
	}
	return problems, nil
}

// base is the commit that changes are counted from: where the branch left the branch main, or else the last commit.
// LINT_BASE names another.
func (r *repository) base() (string, error) {
	if base := os.Getenv("LINT_BASE"); base != "" {
		return base, nil
	}
	for _, main := range []string{"origin/main", "main"} {
		if base, err := r.git("merge-base", "HEAD", main); err == nil {
			return strings.TrimSpace(base), nil
		}
	}
	base, err := r.git("rev-parse", "HEAD")
	return strings.TrimSpace(base), err
}

// lines are line numbers of files; a file of which all are meant has none.
type lines map[string]map[int]bool

func (l lines) holds(name string, number int) bool {
	of, ok := l[name]
	return ok && (of == nil || of[number])
}

// changed returns the lines that the working tree has and the commit does not, and the text of those that are gone.
func (r *repository) changed(base string) (_ lines, gone map[string]int, err error) {
	diff, err := r.git("-c", "core.quotePath=false", "diff", "--unified=0", "--no-color", "--no-ext-diff",
		"--no-prefix", base, "--", "*.go")
	if err != nil {
		return nil, nil, err
	}
	changed, of := lines{}, map[int]bool(nil)
	gone = map[string]int{}
	for line := range strings.Lines(diff) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := strings.CutPrefix(line, "+++ "); ok {
			of = map[int]bool{}
			changed[strings.TrimSuffix(name, "\t")] = of
		} else if strings.HasPrefix(line, "@@ ") {
			first, count, err := hunk(line)
			if err != nil {
				return nil, nil, err
			}
			for i := range count {
				of[first+i] = true
			}
		} else if text, ok := strings.CutPrefix(line, "-"); ok {
			gone[text]++
		}
	}
	untracked, err := r.list("-o", "--exclude-standard")
	for _, name := range untracked {
		changed[name] = nil
	}
	return changed, gone, err
}

// hunk reads which lines a hunk of a diff brings: "@@ -1,2 +3,4 @@" brings four, from the third on.
func hunk(line string) (first, count int, err error) {
	fields := strings.Fields(line)
	if len(fields) < 3 || !strings.HasPrefix(fields[2], "+") {
		return 0, 0, fmt.Errorf("%q is no hunk of a diff", line)
	}
	at, length, many := strings.Cut(fields[2][1:], ",")
	count = 1
	if first, err = strconv.Atoi(at); err == nil && many {
		count, err = strconv.Atoi(length)
	}
	return first, count, err
}
