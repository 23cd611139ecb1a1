package main

import (
	"bytes"
	"fmt"
	"os"
)

// mostBytes is the size of the largest file that may be tracked.
const mostBytes = 1 << 20

// executables are the first bytes of programs and libraries, by file format.
var executables = map[string]string{
	"ELF":          "\x7fELF",
	"Windows":      "MZ",
	"macOS":        "\xcf\xfa\xed\xfe",
	"macOS (fat)":  "\xca\xfe\xba\xbe",
	"WebAssembly":  "\x00asm",
	"an archive":   "!<arch>\n",
	"a Go package": "go object ",
}

// outputs finds build outputs and files that are too large, among the files that are tracked or would be added.
func (r *repository) outputs() ([]string, error) {
	var problems []string
	ignored, err := r.list("-ci", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	for _, name := range ignored {
		problems = append(problems, name+" is tracked, though .gitignore says that a build writes it: git rm --cached "+name)
	}
	for _, name := range r.files {
		info, err := os.Stat(r.path(name))
		if err != nil {
			return nil, err
		}
		if info.Size() > mostBytes {
			problems = append(problems, fmt.Sprintf("%s has %d bytes, and at most %d may be tracked: generate or fetch it",
				name, info.Size(), mostBytes))
		}
		first, err := r.head(name, 16)
		if err != nil {
			return nil, err
		}
		for format, start := range executables {
			if bytes.HasPrefix(first, []byte(start)) {
				problems = append(problems,
					fmt.Sprintf("%s is an executable (%s): remove it, and name it in .gitignore", name, format))
			}
		}
	}
	return problems, nil
}
