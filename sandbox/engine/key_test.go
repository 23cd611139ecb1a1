package engine

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheKeyIsGivenToWhoHasTheTokenAlone(t *testing.T) {
	t.Parallel()
	const right = `{"ciphertext": "` + sealedKey + `"}`
	for name, c := range map[string]struct {
		method, path, token, body string
		status                    int
	}{
		"as Pulumi asks":        {"PUT", keyPath, "token", right, http.StatusOK},
		"without a token":       {"PUT", keyPath, "", right, http.StatusForbidden},
		"with another token":    {"PUT", keyPath, "token2", right, http.StatusForbidden},
		"for another key":       {"PUT", keyPath, "token", `{"ciphertext": "vault:v1:other"}`, http.StatusBadRequest},
		"without JSON":          {"PUT", keyPath, "token", "", http.StatusBadRequest},
		"to encrypt":            {"PUT", "/v1/transit/encrypt/sandbox", "token", right, http.StatusNotFound},
		"by reading":            {"GET", keyPath, "token", "", http.StatusMethodNotAllowed},
		"of another key's name": {"PUT", keyPath + "2", "token", right, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			request.Header.Set("X-Vault-Token", c.token)
			answer := httptest.NewRecorder()
			keyHandler("token", "the key").ServeHTTP(answer, request)
			assert.Equal(t, c.status, answer.Code)
			assert.Equal(t, c.status == http.StatusOK, strings.Contains(answer.Body.String(), "the key"))
		})
	}
}

func TestAKeyIsMadeOnceAndNeverOverwritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	made, err := readKey(file)
	require.NoError(t, err)
	again, err := readKey(file)
	require.NoError(t, err)
	assert.Equal(t, made, again)
	for _, text := range []string{"", made[:8], "not base64"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := readKey(file)
		require.ErrorContains(t, err, "remove the sandbox's folder")
	}
}
