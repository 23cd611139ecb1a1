package engine

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"

	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// Pulumi encrypts the secrets of a sandbox's stacks with a key that it gets from the sandbox, as it would get it from
// HashiCorp's Vault. From a passphrase it would derive one in a million rounds of PBKDF2 at each start: a quarter of a
// second of CPU, of the second that an `up` of the sample takes.
const (
	secretsProvider = "hashivault://sandbox"
	keyPath         = "/v1/transit/decrypt/sandbox"
	// sealedKey stands for the key in a stack's settings and state. It has no content: Pulumi gets the key by a token.
	sealedKey = "vault:v1:the-key-of-this-sandbox"
)

// readKey returns the sandbox's key, in base64, and makes it the first time. It protects nothing of value.
func readKey(file string) (string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		var key [config.SymmetricCrypterKeyBytes]byte
		rand.Read(key[:]) // it never fails
		text = []byte(base64.StdEncoding.EncodeToString(key[:]))
		err = wholefile.Write(file, text)
	}
	if err != nil {
		return "", fmt.Errorf("keeping the key of the sandbox's stacks: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(key) != config.SymmetricCrypterKeyBytes {
		return "", fmt.Errorf("%s does not hold %d bytes in base64: it was changed; remove the sandbox's folder", file,
			config.SymmetricCrypterKeyBytes)
	}
	return string(text), nil
}

// serveKey serves the key on loopback to whoever has the token. The variables it returns lead Pulumi there.
func (e *Engine) serveKey(ctx context.Context) (env []string, err error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("giving Pulumi the key of the sandbox's stacks: %w", err)
	}
	token := rand.Text()
	server := &http.Server{Handler: keyHandler(token, e.key), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	e.stops = append(e.stops, server.Close)
	return []string{"VAULT_SERVER_URL=http://" + listener.Addr().String(), "VAULT_SERVER_TOKEN=" + token}, nil
}

func keyHandler(token, key string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+keyPath, func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Ciphertext string `json:"ciphertext"`
		}
		switch {
		case subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Vault-Token")), []byte(token)) != 1:
			http.Error(w, `{"errors": ["permission denied"]}`, http.StatusForbidden)
		case json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Ciphertext != sealedKey:
			http.Error(w, `{"errors": ["the stack's key is not this sandbox's"]}`, http.StatusBadRequest)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{ // it can fail only if the client is gone
				"data": map[string]string{"plaintext": key},
			})
		}
	})
	return mux
}
