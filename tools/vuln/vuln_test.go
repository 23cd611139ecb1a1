package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	config = `{"config": {"protocol_version": "v1.0.0"}}`
	known  = `{"osv": {"id": "GO-1", "summary": "it leaks"}}`
	inGo   = `{"finding": {"osv": "GO-1", "fixed_version": "v1.26.9", "trace": [
		{"module": "stdlib", "version": "v1.26.8", "package": "net/http", "function": "Get"}, {"module": "m"}]}}`
	inModule = `{"finding": {"osv": "GO-1", "trace": [
		{"module": "example.com/a", "version": "v1.0.0", "package": "example.com/a/b", "function": "F"}]}}`
	imported = `{"finding": {"osv": "GO-1", "trace": [
		{"module": "example.com/a", "version": "v1.0.0", "package": "example.com/a/b"}]}}`
)

func TestOnlyWhatIsCalledInOtherModulesThanGosOwnIsAFailure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		said   []string
		theirs int
		tells  string
	}{
		"nothing": {nil, 0, "0 vulnerabilities are called"},
		"in Go's own library": {
			[]string{known, inGo}, 0, "GO-1 stdlib@v1.26.8, fixed in v1.26.9, by net/http.Get (Go's own",
		},
		"twice": {[]string{inGo, inGo}, 0, "1 vulnerabilities are called, 1 of them in what comes with Go"},
		"in a module": {
			[]string{known, inModule}, 1,
			"GO-1 example.com/a@v1.0.0, fixed in nothing yet, by example.com/a/b.F: it leaks",
		},
		"in both":                  {[]string{inGo, inModule}, 1, "2 vulnerabilities are called, 1 of them"},
		"imported, and not called": {[]string{imported}, 0, "0 vulnerabilities are called"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := read(strings.NewReader(strings.Join(append([]string{config}, test.said...), "\n")))
			require.NoError(t, err)
			var out bytes.Buffer
			assert.Equal(t, test.theirs, found.write(&out))
			assert.Contains(t, out.String(), test.tells)
		})
	}
}

func TestAGovulncheckThatSaysNothingHasNotLooked(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", known, "no JSON"} {
		_, err := read(strings.NewReader(said))
		require.Error(t, err, said)
	}
}

func TestEveryModuleIsLookedAt(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(filepath.Join("..", "..", "*", "*", "go.mod"))
	require.NoError(t, err)
	above, err := filepath.Glob(filepath.Join("..", "..", "*", "go.mod"))
	require.NoError(t, err)
	for _, file := range append(found, above...) {
		folder, err := filepath.Rel(filepath.Join("..", ".."), filepath.Dir(file))
		require.NoError(t, err)
		if filepath.Dir(folder) != "bin" { // which tests write
			assert.Contains(t, modules, filepath.ToSlash(folder))
		}
	}
	for _, folder := range modules {
		_, err := os.Stat(filepath.Join("..", "..", folder, "go.mod"))
		assert.NoError(t, err)
	}
}
