package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
)

const urnOf = "urn:pulumi:dev::p::batchaccess:index:BatchEndpointAccess::"

const oneDeployed = `{"version": 3, "deployment": {"resources": [
	{"urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"},
	{"urn": "` + urnOf + `scoring", "inputs": {"workspaceId": "ws", "role": {"name":
	  {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}}},
	 "outputs": {"clientIds": {"a": "1"}, "principalIds": {"a": "2", "later": null}, "clusterPrincipalIds": {"cpu": "3"},
	  "clientSecrets": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
	   "plaintext": "{\"a\":{\"main\":\"s\"}}"}}}]}}`

func TestAStateSaysWhoThePrincipalsAre(t *testing.T) {
	t.Parallel()
	for _, urn := range []string{"", urnOf + "scoring"} {
		d, err := readDeployed([]byte(oneDeployed), urn)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"a": "1"}, d.ClientIDs)
		assert.Equal(t, map[string]string{"a": "2"}, d.PrincipalIDs)
		assert.Equal(t, map[string]string{"cpu": "3"}, d.ClusterPrincipalIDs)
		assert.Equal(t, map[string]map[string]string{"a": {"main": "s"}}, d.ClientSecrets)
		assert.Equal(t, map[string]any{"workspaceId": "ws", "role": map[string]any{"name": config.Unknown}}, d.Inputs)
	}
}

func TestAStateThatIsOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	const two = `{"deployment": {"resources": [{"urn": "` + urnOf + `a"}, {"urn": "` + urnOf + `b"}]}}`
	for name, c := range map[string]struct{ text, urn, says string }{
		"nothing deployed": {`{"deployment": {"resources": []}}`, "", "it is not deployed"},
		"no deployment":    {`{"version": 3}`, urnOf + "a", "it is not deployed"},
		"only what is deleted": {`{"deployment": {"resources": [{"urn": "` + urnOf + `a", "delete": true}]}}`, "",
			"not deployed"},
		"two, and none named": {two, "", "has 2 BatchEndpointAccess"},
		"another program's": {two, urnOf + "c", "has no BatchEndpointAccess c, but a, b; is the preview of another " +
			"program?"},
		"no JSON":               {"error", "", "reading its state"},
		"a list":                {"[]", "", "reading its state"},
		"a secret of no secret": {`{"deployment": {"resources": [{"urn": "x", "outputs": 3}]}}`, "", "reading its state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readDeployed([]byte(c.text), c.urn)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestAStackThatDoesNotExistSaysHowToMakeIt(t *testing.T) {
	t.Parallel()
	cli := filepath.Join(t.TempDir(), "pulumi")
	script := "#!/bin/sh\necho \"error: no stack named 'dev' found\" >&2\nexit 255\n"
	require.NoError(t, os.WriteFile(cli, []byte(script), 0o700))
	p := Pulumi{CLI: cli, Dir: t.TempDir(), Stack: "dev", Stderr: t.Output()}
	_, err := p.Preview(t.Context())
	require.ErrorContains(t, err, "does not exist; make it, empty, with pulumi stack init dev")
	_, err = p.Deployed(t.Context(), "", false)
	require.ErrorContains(t, err, "no stack named 'dev' found")
	require.ErrorContains(t, err, "is it deployed, and are you logged in to its backend (pulumi login)?")
}

// A state that is read has its principals, none or some.
func FuzzReadDeployed(f *testing.F) {
	f.Add(oneDeployed)
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := readDeployed([]byte(text), "")
		if err == nil && d.PrincipalIDs == nil {
			t.Error("a state that was read has its principals, none or some")
		}
	})
}
