// The command comment posts a review to the pull request that a pipeline runs for, as one comment that is updated in place:
// the access diff first, then the resource diff.
//
//	go run ./ci/comment -stack dev -access .batchaccess/review/dev/access.md -resources .batchaccess/review/dev/resources.txt
//
// It finds out from the variables of GitHub Actions or Azure Pipelines where the pull request is, and signs in with
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
	accessFile := flags.String("access", "", "file with the access diff, Markdown (required)")
	resourcesFile := flags.String("resources", "", "file with the resource diff, as pulumi preview --diff prints it")
	show := flags.Bool("print", false, "print the comment, and post nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *stack == "" || *accessFile == "" || flags.NArg() > 0 {
		return errors.New("give -stack and -access, and nothing but flags")
	}
	access, err := os.ReadFile(*accessFile)
	if err != nil {
		return fmt.Errorf("reading the access diff: %w", err)
	}
	var resources []byte
	if *resourcesFile != "" {
		if resources, err = os.ReadFile(*resourcesFile); err != nil {
			return fmt.Errorf("reading the resource diff: %w", err)
		}
	}
	marker := markerOf(*stack)
	place, err := findPlace(env, &http.Client{Timeout: 30 * time.Second})
	if err != nil {
		return err
	}
	if *show || place == nil {
		_, err := fmt.Fprintln(stdout, compose(marker, string(access), string(resources), githubLimit))
		return err
	}
	if err := post(ctx, place, marker, compose(marker, string(access), string(resources), place.limit())); err != nil {
		return fmt.Errorf("commenting on the pull request: %w", err)
	}
	return nil
}
