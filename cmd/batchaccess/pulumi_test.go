package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/internal/engine"
)

// failing is a Pulumi that prints this on standard output and fails.
func failing(t *testing.T, says string) pulumiOf {
	t.Helper()
	cli := filepath.Join(t.TempDir(), "pulumi")
	require.NoError(t, os.WriteFile(cli, []byte("#!/bin/sh\ncat <<'END'\n"+says+"\nEND\nexit 255\n"), 0o700))
	return pulumiOf{engine.Pulumi{CLI: cli, Dir: t.TempDir(), Stack: "dev", Stderr: io.Discard}}
}

// A preview in JSON writes nothing to standard error.
func TestAPreviewThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	p := failing(t,
		`{"diagnostics": [{"severity": "info", "message": "by the way"}, {"severity": "error", "message": `+
			`"invokers.ada: no"}]}`)
	_, pinErr := p.program(t.Context())
	_, _, adoptErr := p.preview(t.Context())
	for _, err := range []error{pinErr, adoptErr} {
		assert.EqualError(t, err, "pulumi preview fails; put this right first\ninvokers.ada: no")
	}
	_, err := failing(t, "no JSON").program(t.Context())
	assert.ErrorContains(t, err, "exit status 255\nno JSON")
}

func TestAnErrorSaysWhatPulumiFailedAt(t *testing.T) {
	t.Parallel()
	p := failing(t, "")
	_, settleErr := p.state(t.Context())
	_, recoverErr := p.recover(t.Context(), nil, state(t, `{"version": 3, "deployment": {}}`), nil)
	for says, err := range map[string]error{
		"what it imported stays imported": p.importFile(t.Context(), nil),
		"pulumi stack export":             settleErr,
		"pulumi stack import":             recoverErr,
		"pulumi config set-all":           p.pin(t.Context(), "batchaccess", nil),
	} {
		require.ErrorContains(t, err, says)
	}
}

func state(t *testing.T, export string) adopt.State {
	t.Helper()
	s, err := adopt.ReadState([]byte(export))
	require.NoError(t, err)
	return s
}
