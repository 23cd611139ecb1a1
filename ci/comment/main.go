// The command comment posts a review to the pull request that a pipeline runs for, as one comment that is updated in
// place: the access diff first, then the resource diff.
//
//	go run ./ci/comment -stack dev -begin
//	go run ./ci/comment -stack dev -access .batchaccess/review/dev/access.md \
//	  -resources .batchaccess/review/dev/resources.txt
//
// The first command, at the start of a run, says that nothing is known yet. So does the second if the access diff does
// not exist. The comment names the commit and the run. Only a comment of the same author is replaced.
//
// The variables of GitHub Actions or Azure Pipelines say where the pull request is. The command signs in with
// GITHUB_TOKEN or SYSTEM_ACCESSTOKEN. Outside of both, or with -print, it prints the comment.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "comment:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	flags := flag.NewFlagSet("comment", flag.ContinueOnError)
	stack := flags.String("stack", "", "stack that was reviewed; there is one comment for each (required)")
	accessFile := flags.String("access", "", "file with the access diff, Markdown (required, but with -begin)")
	begin := flags.Bool("begin", false, "say that nothing is known yet, at the start of a run")
	resourcesFile := flags.String("resources", "", "file with the resource diff, as pulumi preview --diff prints it")
	show := flags.Bool("print", false, "print the comment, and post nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *stack == "" || (*accessFile == "") != *begin || flags.NArg() > 0 {
		return errors.New("give -stack and -access, or -stack and -begin, and nothing but flags")
	}
	access, resources, err := read(*stack, *accessFile, *resourcesFile)
	if err != nil {
		return err
	}
	from, err := runOf(env)
	if err != nil {
		return err
	}
	marker := markerOf(*stack)
	place, err := findPlace(env, &http.Client{Timeout: 30 * time.Second})
	if err != nil {
		return err
	}
	if *show || place == nil {
		_, err := fmt.Fprintln(stdout, compose(marker, from, access, resources, githubLimit))
		return err
	}
	if err := post(ctx, place, marker, compose(marker, from, access, resources, place.limit())); err != nil {
		return fmt.Errorf("commenting on the pull request: %w", err)
	}
	return nil
}

// read reads the diffs. An access diff that is missing or empty counts as not known.
func read(stack, accessFile, resourcesFile string) (access, resources string, err error) {
	if accessFile == "" {
		return notKnown(stack, "the run has not finished. If it is not running any more, it died: see its log."), "", nil
	}
	text, err := os.ReadFile(accessFile)
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && strings.TrimSpace(string(text)) == "":
		access = notKnown(stack, "the run ended without an answer. Its log says why.")
	case err != nil:
		return "", "", fmt.Errorf("reading the access diff: %w", err)
	default:
		access = string(text)
	}
	if resourcesFile == "" {
		return access, "", nil
	}
	text, err = os.ReadFile(resourcesFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", "", fmt.Errorf("reading the resource diff: %w", err)
	}
	return access, string(text), nil
}
