// Command gensdk writes the local Pulumi SDKs under sdks/ from the package schemas in sdks/schemas, with Pulumi's own
// code generator. They replace SDKs that the module proxy does not have. It also writes the SDK of any schema for
// another language, for machines on which `pulumi package add` can't, because it needs that language's host.
//
//	gensdk          write the SDKs
//	gensdk -check   write nothing; list the files that are stale and exit 1 if there are any
//	gensdk -language nodejs -schema ../plugin/schema.json -to <folder>
//
// It knows schemas and files. It must not know what the SDKs are used for.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	sdks := flag.String("sdks", filepath.Join("..", "sdks"), "folder that holds schemas/ and receives the SDKs")
	check := flag.Bool("check", false, "report stale files instead of writing them")
	language := flag.String("language", "", "write one SDK for this language instead: nodejs or python")
	schemaFile := flag.String("schema", filepath.Join("..", "plugin", "schema.json"),
		"with -language: what to generate from")
	to := flag.String("to", "", "with -language: folder that will hold the SDK and nothing else")
	flag.Parse()

	var stale []string
	var err error
	if *language != "" {
		err = writeFor(*language, *schemaFile, *to)
	} else {
		stale, err = run(*sdks, *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gensdk:", err)
		os.Exit(1)
	}
	if len(stale) == 0 {
		return
	}
	for _, s := range stale {
		fmt.Fprintln(os.Stderr, s)
	}
	fmt.Fprintln(os.Stderr, "gensdk: the generated SDKs do not match their schemas: run `go generate ./sdks`")
	os.Exit(1)
}

// run generates every SDK into the folder sdks. With check it returns the files that are stale instead.
func run(sdks string, check bool) (stale []string, err error) {
	for _, s := range generated {
		files, err := generate(sdks, s)
		if err != nil {
			return nil, err
		}
		folder := filepath.Join(sdks, s.folder)
		if check {
			found, err := differences(folder, files)
			if err != nil {
				return nil, fmt.Errorf("comparing %s with its schema: %w", folder, err)
			}
			stale = append(stale, found...)
			continue
		}
		if err := replace(folder, files); err != nil {
			return nil, fmt.Errorf("writing %s: %w", folder, err)
		}
	}
	return stale, nil
}
