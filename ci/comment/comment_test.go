package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// host imitates GitHub, or Azure Repos, with the comments of pull request 7.
type host struct {
	url string

	mu       sync.Mutex
	comments []string
	refuses  bool
	theirs   int // that many first ones are by somebody else
}

const us, somebody = "github-actions[bot]", "mallory"

func (h *host) author(i int) string {
	if i < h.theirs {
		return somebody
	}
	return us
}

// newHost makes a host with that many comments of others.
func newHost(t *testing.T, others int) *host {
	t.Helper()
	h := &host{theirs: others}
	for i := range others {
		h.comments = append(h.comments, fmt.Sprint(markerOf("dev"), " comment ", i, " looks like ours"))
	}
	mux := http.NewServeMux()
	const github, azure = "/repos/contoso/scoring/issues", "/contoso/p/_apis/git/repositories/r/pullRequests/7/threads"
	mux.HandleFunc("GET "+github+"/7/comments", func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		found := []map[string]any{}
		for i := (page - 1) * size; i < min(page*size, len(h.comments)); i++ {
			found = append(found, map[string]any{"url": fmt.Sprint(h.url, github, "/comments/", i), "body": h.comments[i],
				"user": map[string]any{"login": h.author(i)}})
		}
		_ = json.NewEncoder(w).Encode(found)
	})
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message": "Resource not accessible by integration"}`, http.StatusForbidden)
	})
	mux.HandleFunc("GET /contoso/_apis/connectionData", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"authenticatedUser": map[string]any{"id": us}})
	})
	mux.HandleFunc("POST "+github+"/7/comments", func(w http.ResponseWriter,
		r *http.Request) {
		h.add(w, text(t, r, "body"))
	})
	mux.HandleFunc("PATCH "+github+"/comments/{i}", func(w http.ResponseWriter,
		r *http.Request) {
		h.set(r, text(t, r, "body"))
	})
	mux.HandleFunc("GET "+azure, func(w http.ResponseWriter, _ *http.Request) {
		threads := []any{map[string]any{"id": 99, "isDeleted": true, "comments": []any{map[string]any{"id": 1,
			"content": markerOf("dev"), "author": map[string]any{"id": us}}}}}
		for i, c := range h.comments {
			threads = append(threads, map[string]any{"id": i, "comments": []any{map[string]any{"id": i, "content": c,
				"author": map[string]any{"id": h.author(i)}}}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"value": threads})
	})
	mux.HandleFunc("POST "+azure, func(w http.ResponseWriter, r *http.Request) {
		var thread struct{ Comments []struct{ Content string } }
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&thread))
		h.add(w, thread.Comments[0].Content)
	})
	mux.HandleFunc("PATCH "+azure+"/{thread}/comments/{i}",
		func(_ http.ResponseWriter, r *http.Request) { h.set(r, text(t, r, "content")) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.refuses || r.Header.Get("Authorization") != "Bearer token-of-the-run" {
			http.Error(w, `{"message": "Resource not accessible by integration"}`, http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func text(t *testing.T, r *http.Request, key string) string {
	t.Helper()
	var body map[string]string
	assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
	return body[key]
}

func (h *host) add(w http.ResponseWriter, comment string) {
	h.comments = append(h.comments, comment)
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte("{}"))
}

func (h *host) set(r *http.Request, comment string) {
	i, _ := strconv.Atoi(r.PathValue("i"))
	h.comments[i] = comment
}

// pipelines are the variables that each kind of pipeline sets.
func pipelines(url string) map[string]map[string]string {
	return map[string]map[string]string{
		"GitHub Actions": {
			"GITHUB_ACTIONS": "true", "GITHUB_API_URL": url, "GITHUB_REPOSITORY": "contoso/scoring", "GITHUB_REF": "refs/" +
				"pull/7/merge", "GITHUB_SERVER_URL": "https://github.example",
			"GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_EVENT_PATH": "testdata/" +
				"event.json", "GITHUB_SHA": "merged", "GITHUB_TOKEN": "token-of-the-run",
		},
		"Azure Pipelines": {
			"TF_BUILD": "True", "SYSTEM_COLLECTIONURI": url +
				"/contoso/", "SYSTEM_TEAMPROJECTID": "p", "BUILD_REPOSITORY_ID": "r",
			"SYSTEM_PULLREQUEST_PULLREQUESTID": "7", "SYSTEM_PULLREQUEST_SOURCECOMMITID": "f00d", "BUILD_BUILDID": "42",
			"SYSTEM_ACCESSTOKEN": "token-of-the-run",
		},
	}
}

// files writes the diffs and gives the flags that name them.
func files(t *testing.T, access, resources string) []string {
	t.Helper()
	dir := t.TempDir()
	a, r := filepath.Join(dir, "access.md"), filepath.Join(dir, "resources.txt")
	require.NoError(t, os.WriteFile(a, []byte(access), 0o600))
	require.NoError(t, os.WriteFile(r, []byte(resources), 0o600))
	return []string{"-access", a, "-resources", r}
}

func TestThereIsOneCommentAStackAndItIsUpdatedInPlace(t *testing.T) {
	t.Parallel()
	for kind := range pipelines("") {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const others = 230
			h := newHost(t, others)
			env := func(name string) string { return pipelines(h.url)[kind][name] }
			for i, stack := range []string{"dev", "prod", "dev"} {
				var out strings.Builder
				args := append(files(t, fmt.Sprint("access ", i), fmt.Sprint("resources ", i)), "-stack", stack)
				require.NoError(t, run(t.Context(), args, env, &out))
				assert.Empty(t, out.String())
			}
			require.Len(t, h.comments, others+2)
			dev, prod := h.comments[others], h.comments[others+1]
			assert.Contains(t, dev, "access 2")
			assert.Contains(t, dev, "resources 2")
			assert.Less(t, strings.Index(dev, "access 2"), strings.Index(dev, "resources 2"), "the access diff is first")
			assert.Contains(t, prod, "access 1")
			assert.NotContains(t, strings.Join(h.comments, ""), "access 0")
			assert.Contains(t, dev, map[string]string{
				"GitHub Actions": "Of commit f00d, by [this " +
					"run](https://github.example/contoso/scoring/actions/runs/42/attempts/2).",
				"Azure Pipelines": "Of commit f00d, by [this run](" + h.url + "/contoso/p/_build/results?buildId=42).",
			}[kind])

			require.NoError(t, run(t.Context(), []string{"-stack", "dev", "-begin"}, env, nil))
			assert.Contains(t, h.comments[others], "not known", "an answer for an earlier commit does not stay")
			assert.NotContains(t, h.comments[others], "access 2")
			require.NoError(t, run(t.Context(), []string{"-stack", "prod", "-access", filepath.Join(t.TempDir(), "none")},
				env, nil))
			assert.Contains(t, h.comments[others+1], "not known", "nor where the run ended without one")
			assert.Len(t, h.comments, others+2)

			h.refuses = true
			err := run(t.Context(), append(files(t, "a", ""), "-stack", "dev"), env, nil)
			assert.ErrorContains(t, err, "HTTP 403")
			assert.ErrorContains(t, err, "Resource not accessible by integration")
			assert.NotContains(t, err.Error(), "token-of-the-run")
		})
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	for missing, says := range map[string]string{
		"GITHUB_TOKEN": "permissions: {pull-requests: write}", "GITHUB_REF": "belongs to no pull request",
		"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)", "SYSTEM_PULLREQUEST_PULLREQUESTID": "belongs to no pull request",
	} {
		for kind, variables := range pipelines("http://127.0.0.1:1") {
			if _, ok := variables[missing]; !ok {
				continue
			}
			delete(variables, missing)
			err := run(t.Context(), append(files(t, "a", ""), "-stack", "dev"),
				func(name string) string { return variables[name] }, nil)
			assert.ErrorContains(t, err, says, kind)
		}
	}
	nowhere := func(string) string { return "" }
	assert.ErrorContains(t, run(t.Context(), []string{"-stack", "dev"}, nowhere, nil), "give -stack and -access")
	assert.ErrorContains(t, run(t.Context(), []string{"-stack", "dev", "-access", t.TempDir()}, nowhere, nil),
		"reading the access diff")

	var out strings.Builder
	require.NoError(t, run(t.Context(), append(files(t, "who gains", "+ what"), "-stack", "dev"), nowhere, &out))
	assert.Contains(t, out.String(), "who gains", "outside of a pipeline it is printed")
}

func TestACommentFitsAndNothingGetsOutOfItsFence(t *testing.T) {
	t.Parallel()
	marker := markerOf("dev")
	evil := "+ x\n```\n</details> @everyone\n````"
	whole := compose(marker, "", "access", evil, githubLimit)
	assert.Contains(t, whole, "\n`````\n"+evil+"\n`````\n")
	assert.Equal(t, marker+"\naccess\n", compose(marker, "", "access\n\n", "\n \n", githubLimit), "no empty section")

	for _, limit := range []int{300, 301, 302, 303, 5000} {
		for name, text := range map[string]string{
			"long resources": compose(marker, "", "access", strings.Repeat("é", 5000),
				limit), "long access": compose(marker, "", strings.Repeat("é", 5000), "r", limit),
		} {
			assert.LessOrEqual(t, len(text), limit, name)
			assert.True(t, utf8.ValidString(text), name)
			assert.Contains(t, text, "cut here", name)
			assert.True(t, strings.HasPrefix(text, marker), name)
		}
	}
}
