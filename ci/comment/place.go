package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
)

// The greatest length of a comment, in bytes; the hosts count characters.
const (
	githubLimit = 65_536
	azureLimit  = 150_000
)

// A place is where a pull request's comments are.
type place interface {
	limit() int
	// find returns the address of our comment, "" if there is none yet. A comment of another author is never ours,
	// however it begins.
	find(ctx context.Context, marker string) (address string, err error)
	create(ctx context.Context, text string) error
	update(ctx context.Context, address, text string) error
}

// post makes the comment, or gives the existing one the new text.
func post(ctx context.Context, p place, marker, text string) error {
	address, err := p.find(ctx, marker)
	switch {
	case err != nil:
		return err
	case address == "":
		return p.create(ctx, text)
	default:
		return p.update(ctx, address, text)
	}
}

// runOf names the commit and the run for the comment; "" outside of a pipeline.
func runOf(env func(string) string) (string, error) {
	switch {
	case env("GITHUB_ACTIONS") == "true":
		commit, err := headOf(env("GITHUB_EVENT_PATH"))
		if err != nil {
			return "", err
		}
		run := fmt.Sprintf("%s/%s/actions/runs/%s", env("GITHUB_SERVER_URL"), env("GITHUB_REPOSITORY"), env("GITHUB_RUN_ID"))
		if attempt := env("GITHUB_RUN_ATTEMPT"); attempt != "" && attempt != "1" {
			run += "/attempts/" + attempt
		}
		return from(cmp.Or(commit, env("GITHUB_SHA")), run), nil
	case env("TF_BUILD") == "True":
		run := env("SYSTEM_COLLECTIONURI") + env("SYSTEM_TEAMPROJECTID") + "/_build/results?buildId=" + env("BUILD_BUILDID")
		return from(cmp.Or(env("SYSTEM_PULLREQUEST_SOURCECOMMITID"), env("BUILD_SOURCEVERSION")), run), nil
	}
	return "", nil
}

func from(commit, run string) string {
	return fmt.Sprintf("Of commit %s, by [this run](%s).", cmp.Or(commit, "not known"), run)
}

// headOf is the commit that the pull request proposes: GitHub runs a merge of it.
func headOf(event string) (string, error) {
	if event == "" {
		return "", nil
	}
	text, err := os.ReadFile(event)
	if err != nil {
		return "", fmt.Errorf("reading GITHUB_EVENT_PATH: %w", err)
	}
	var e struct {
		PullRequest struct {
			Head struct {
				SHA string `json:"sha"`
			} `json:"head"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return "", fmt.Errorf("reading GITHUB_EVENT_PATH: %w", err)
	}
	return e.PullRequest.Head.SHA, nil
}

var pullRef = regexp.MustCompile(`^refs/pull/(\d+)/`)

// findPlace finds a pipeline's pull request by its variables; nil if there is no pipeline.
func findPlace(env func(string) string, client *http.Client) (place, error) {
	switch {
	case env("GITHUB_ACTIONS") == "true":
		number := pullRef.FindStringSubmatch(env("GITHUB_REF"))
		if number == nil {
			return nil, fmt.Errorf("GITHUB_REF is %q: this run belongs to no pull request; run it on pull_request",
				env("GITHUB_REF"))
		}
		if env("GITHUB_TOKEN") == "" {
			return nil, errors.New("GITHUB_TOKEN is not set; give the step `env: {GITHUB_TOKEN: ${{ github.token }}}`, and " +
				"the job `permissions: {pull-requests: write}`")
		}
		return &github{api{client, "Bearer " + env("GITHUB_TOKEN")}, env("GITHUB_API_URL"), env("GITHUB_API_URL") +
			"/repos/" + env("GITHUB_REPOSITORY") + "/issues", number[1]}, nil
	case env("TF_BUILD") == "True":
		if env("SYSTEM_PULLREQUEST_PULLREQUESTID") == "" {
			return nil, errors.New("SYSTEM_PULLREQUEST_PULLREQUESTID is not set: this run belongs to no pull request; run it " +
				"as a build validation policy of the branch")
		}
		if env("SYSTEM_ACCESSTOKEN") == "" {
			return nil, errors.New("SYSTEM_ACCESSTOKEN is not set; give the step `env: {SYSTEM_ACCESSTOKEN: " +
				"$(System.AccessToken)}`, and the build service the right to contribute to pull requests")
		}
		return &azureRepos{api{client, "Bearer " + env("SYSTEM_ACCESSTOKEN")}, env("SYSTEM_COLLECTIONURI"),
			env("SYSTEM_COLLECTIONURI") + env("SYSTEM_TEAMPROJECTID") +
				"/_apis/git/repositories/" + env("BUILD_REPOSITORY_ID") + "/pullRequests/" +
				env("SYSTEM_PULLREQUEST_PULLREQUESTID") + "/threads"}, nil
	}
	return nil, nil
}

// GitHub keeps a pull request's comments with those of issues.
type github struct {
	api
	root, issues, number string
}

// actionsBot is the author of comments made with a workflow's token.
const actionsBot = "github-actions[bot]"

// me is the author of comments made with this token. A workflow's token may not ask for its own name.
func (g *github) me(ctx context.Context) (string, error) {
	var user struct {
		Login string `json:"login"`
	}
	err := g.send(ctx, http.MethodGet, g.root+"/user", nil, &user)
	var refused *statusError
	if errors.As(err, &refused) && refused.code == http.StatusForbidden {
		return actionsBot, nil
	}
	return user.Login, err
}

func (*github) limit() int { return githubLimit }

func (g *github) find(ctx context.Context, marker string) (string, error) {
	const perPage = 100
	me, err := g.me(ctx)
	if err != nil {
		return "", err
	}
	for page := 1; ; page++ {
		var comments []struct {
			URL  string `json:"url"`
			Body string `json:"body"`
			User struct {
				Login string `json:"login"`
			} `json:"user"`
		}
		if err := g.send(ctx, http.MethodGet, fmt.Sprintf("%s/%s/comments?per_page=%d&page=%d", g.issues, g.number, perPage,
			page), nil, &comments); err != nil {
			return "", err
		}
		for _, c := range comments {
			if strings.HasPrefix(c.Body, marker) && c.User.Login == me && me != "" {
				return c.URL, nil
			}
		}
		if len(comments) < perPage {
			return "", nil
		}
	}
}

func (g *github) create(ctx context.Context, text string) error {
	return g.send(ctx, http.MethodPost, g.issues+"/"+g.number+"/comments", map[string]any{"body": text}, nil)
}

func (g *github) update(ctx context.Context, address, text string) error {
	if !strings.HasPrefix(address, g.issues+"/") {
		return fmt.Errorf("the comment is at %s, which is not below %s", address, g.issues)
	}
	return g.send(ctx, http.MethodPatch, address, map[string]any{"body": text}, nil)
}

// Azure Repos keeps comments in threads.
type azureRepos struct {
	api
	root, threads string
}

const azureVersion = "?api-version=7.1"

func (*azureRepos) limit() int { return azureLimit }

func (a *azureRepos) find(ctx context.Context, marker string) (string, error) {
	var self struct {
		User struct {
			ID string `json:"id"`
		} `json:"authenticatedUser"`
	}
	if err := a.send(ctx, http.MethodGet, a.root+"_apis/connectionData", nil, &self); err != nil {
		return "", err
	}
	var answer struct {
		Value []struct {
			ID       int  `json:"id"`
			Deleted  bool `json:"isDeleted"`
			Comments []struct {
				ID      int    `json:"id"`
				Content string `json:"content"`
				Author  struct {
					ID string `json:"id"`
				} `json:"author"`
			} `json:"comments"`
		} `json:"value"`
	}
	if err := a.send(ctx, http.MethodGet, a.threads+azureVersion, nil, &answer); err != nil {
		return "", err
	}
	for _, t := range answer.Value {
		for _, c := range t.Comments {
			if !t.Deleted && strings.HasPrefix(c.Content, marker) && c.Author.ID == self.User.ID && c.Author.ID != "" {
				return fmt.Sprintf("%s/%d/comments/%d%s", a.threads, t.ID, c.ID, azureVersion), nil
			}
		}
	}
	return "", nil
}

func (a *azureRepos) create(ctx context.Context, text string) error {
	return a.send(ctx, http.MethodPost, a.threads+azureVersion, map[string]any{
		"status":   "closed", // the thread needs no answer
		"comments": []any{map[string]any{"parentCommentId": 0, "commentType": "text", "content": text}},
	}, nil)
}

func (a *azureRepos) update(ctx context.Context, address, text string) error {
	return a.send(ctx, http.MethodPatch, address, map[string]any{"content": text}, nil)
}

// api sends JSON with a token. No error shows the token.
type api struct {
	client        *http.Client
	authorization string
}

// A statusError is an answer without success.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

func (a api) send(ctx context.Context, method, address string, body, into any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", a.authorization)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, address, err)
	}
	if resp.StatusCode/100 != 2 {
		return &statusError{resp.StatusCode, fmt.Sprintf("%s %s: HTTP %d: %s", method, address, resp.StatusCode,
			clip(string(answer), 500))}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", address, err)
	}
	return nil
}
