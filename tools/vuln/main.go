// Vuln looks up known vulnerabilities in every module of the repository, and fails if our code calls one.
// Vulnerabilities in Go's own library are only printed: another release of Go mends them, not a change here. `make
// vuln` runs it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// modules are all modules that are built and tested, by folder.
var modules = []string{
	".", "plugin", "sandbox/clients", "examples/go", "tools", "tools/yamlhost", "tools/actionlint", "tools/govulncheck",
}

func main() {
	command := flag.String("govulncheck", "", "path of govulncheck")
	database := flag.String("db", "", "URL of the vulnerability database")
	flag.Parse()
	theirs := 0
	for _, module := range modules {
		fmt.Printf("== %s\n", module)
		cmd := exec.Command(*command, "-json", "-test", "-db", *database, "./...", "tool")
		cmd.Dir, cmd.Stderr = filepath.Join("..", module), os.Stderr
		found, err := check(cmd)
		if err != nil {
			fmt.Fprintf(os.Stderr, "vuln: %s: %v\n", module, err)
			os.Exit(1)
		}
		theirs += found.write(os.Stdout)
	}
	if theirs > 0 {
		fmt.Fprintf(os.Stderr, "vuln: %d vulnerabilities are called in modules other than Go's own: update these\n", theirs)
		os.Exit(1)
	}
}

func check(cmd *exec.Cmd) (findings, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	found, err := read(out)
	return found, errors.Join(err, cmd.Wait())
}

// A finding is a vulnerability in one module.
type finding struct {
	OSV     string `json:"osv"`
	Fixed   string `json:"fixed_version"`
	summary string
	Trace   []struct {
		Module, Version, Package, Function string
	}
}

func (f finding) module() string { return f.Trace[0].Module }

// goItself are the modules that come with Go.
var goItself = []string{"stdlib", "toolchain"}

// findings are the vulnerabilities that our code calls, by vulnerability and module.
type findings map[string]finding

// read reads govulncheck's output. It must have its configuration: otherwise govulncheck did not run.
func read(text io.Reader) (findings, error) {
	found, summaries, configured := findings{}, map[string]string{}, false
	for decoder := json.NewDecoder(text); ; {
		var message struct {
			Config  *struct{}
			OSV     *struct{ ID, Summary string }
			Finding *finding
		}
		if err := decoder.Decode(&message); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading what govulncheck says: %w", err)
		}
		configured = configured || message.Config != nil
		if message.OSV != nil {
			summaries[message.OSV.ID] = message.OSV.Summary
		}
		if f := message.Finding; f != nil && len(f.Trace) > 0 && f.Trace[0].Function != "" {
			found[f.OSV+" "+f.module()] = *f
		}
	}
	if !configured {
		return nil, errors.New("govulncheck said nothing")
	}
	for key, f := range found {
		f.summary = summaries[f.OSV]
		found[key] = f
	}
	return found, nil
}

// write writes each finding, and returns how many are not in Go's own library.
func (all findings) write(out io.Writer) (theirs int) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		f := all[key]
		of := f.Trace[0]
		note := ""
		if slices.Contains(goItself, of.Module) {
			note = " (Go's own: build with a later Go)"
		} else {
			theirs++
		}
		fixed := f.Fixed
		if fixed == "" {
			fixed = "nothing yet"
		}
		fmt.Fprintf(out, "%s %s@%s, fixed in %s, by %s.%s%s: %s\n",
			f.OSV, of.Module, of.Version, fixed, of.Package, of.Function, note, f.summary)
	}
	fmt.Fprintf(out, "%d vulnerabilities are called, %d of them in what comes with Go\n", len(all), len(all)-theirs)
	return theirs
}
