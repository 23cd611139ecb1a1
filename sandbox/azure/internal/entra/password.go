package entra

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

var (
	errUnknownUser = failure{http.StatusBadRequest, "invalid_grant", 50034,
		"the user account %q does not exist in the directory"}
	errWrongPassword = failure{http.StatusBadRequest, "invalid_grant", 50126, "the user name %q or the password is wrong"}
)

// passwords has the passwords of the directory's users, by object ID: random, made on first use, and valid in this run
// only.
type passwords struct {
	mu sync.Mutex
	of map[string]string
}

func (p *passwords) get(objectID string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := strings.ToLower(objectID)
	if p.of[id] == "" {
		if p.of == nil {
			p.of = map[string]string{}
		}
		p.of[id] = rand.Text()
	}
	return p.of[id]
}

// Password is the user's password in this run.
func (s *Service) Password(objectID string) string { return s.passwords.get(objectID) }

// authenticateUser checks a user's name and password, as in the grant with the resource owner's password. The client
// must be the Azure CLI, the only public client here: any other client has to prove who it is.
func (s *Service) authenticateUser(st *state.State, form func(string) string) (*state.User, error) {
	for _, parameter := range []string{"client_id", "username", "password"} {
		if form(parameter) == "" {
			return nil, errNoParameter.with(parameter)
		}
	}
	if client := form("client_id"); !strings.EqualFold(client, azureCLI) {
		if st.ServicePrincipalByAppID(client) == nil {
			return nil, errUnknownClient.with(client)
		}
		return nil, errNoCredential.with("")
	}
	for _, user := range st.Users {
		if !strings.EqualFold(user.UserPrincipalName, form("username")) {
			continue
		}
		if subtle.ConstantTimeCompare([]byte(form("password")), []byte(s.passwords.get(user.ID))) == 0 {
			return nil, errWrongPassword.with(user.UserPrincipalName)
		}
		return user, nil
	}
	return nil, errUnknownUser.with(form("username"))
}
