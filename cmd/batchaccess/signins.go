package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/wholefile"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// signInsVariable names the folder in which the sandbox keeps, for the commands that run in it, what people and outside
// issuers have and Azure does not. Only its owner can read it, and it is valid for one run and this sandbox only:
//
//	users.json                              the users and their passwords
//	<stack>/<invoker>/azure-cli/            settings of the Azure CLI in which the invoker, or a member, is signed in
//	<stack>/<invoker>/federated/<credential>  a token of the issuer that the federated credential trusts
const signInsVariable = "BATCHACCESS_SIGN_INS"

const (
	usersFile      = "users.json"
	azureCLIFolder = "azure-cli"
	federated      = "federated"
)

// A knownUser is one of the sandbox's users, in users.json.
type knownUser struct {
	ObjectID          string `json:"objectId"`
	UserPrincipalName string `json:"userPrincipalName"`
	DisplayName       string `json:"displayName"`
	Password          string `json:"password"`
	// Invokers are the invokers that the user is or belongs to; none for a user who exists to be refused.
	Invokers []string `json:"invokers,omitempty"`
}

// signIns are the sandbox's ways to sign in, while it runs.
type signIns struct {
	dir    string
	azure  *azure.Azure
	models map[string]access.Model
	stop   context.CancelFunc
	done   chan error
}

// renewal is how often federated tokens are renewed: each is valid for ten minutes.
const renewal = 4 * time.Minute

// offerSignIns fills the folder, and renews the tokens in it until Close.
func offerSignIns(ctx context.Context, dir string, a *azure.Azure, models map[string]access.Model) (*signIns, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the folder of the sign-ins: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	s := &signIns{dir, a, models, stop, make(chan error, 1)}
	if err := errors.Join(os.RemoveAll(dir), s.users(), s.tokens()); err != nil {
		stop()
		return nil, fmt.Errorf("preparing the sandbox's ways to sign in: %w", err)
	}
	go func() { s.done <- s.renew(ctx) }()
	return s, nil
}

// Close ends the renewal and removes the folder.
func (s *signIns) Close() error {
	s.stop()
	return errors.Join(<-s.done, os.RemoveAll(s.dir))
}

func (s *signIns) renew(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(renewal):
			if err := s.tokens(); err != nil {
				return fmt.Errorf("renewing the federated tokens: %w", err)
			}
		}
	}
}

// users writes the list of users, and signs in the invokers that are people.
func (s *signIns) users() error {
	invokers := map[string][]string{} // by the user's object ID
	for _, stack := range slices.Sorted(maps.Keys(s.models)) {
		for _, name := range slices.Sorted(maps.Keys(s.models[stack].Invokers)) {
			user := rehearsal.Person(s.models[stack].Invokers[name])
			if user == "" {
				continue
			}
			user = strings.ToLower(user)
			if !slices.Contains(invokers[user], name) {
				invokers[user] = append(invokers[user], name)
			}
			if err := writeJSON(filepath.Join(s.dir, stack, name, azureCLIFolder, accountFile),
				account{Kind: userAccount, ID: user}); err != nil {
				return err
			}
		}
	}
	var known []knownUser
	for _, u := range s.azure.Users() {
		known = append(known, knownUser{u.ObjectID, u.UserPrincipalName, u.DisplayName, u.Password, invokers[u.ObjectID]})
	}
	return writeJSON(filepath.Join(s.dir, usersFile), known)
}

// tokens acts as the outside issuers: one token for each federated credential.
func (s *signIns) tokens() error {
	for stack, model := range s.models {
		for name, invoker := range model.Invokers {
			for credential, f := range invoker.FederatedCredentials {
				token, err := rehearsal.Assertion(s.azure, f)
				if err != nil {
					return err
				}
				if err := writeOwn(filepath.Join(s.dir, stack, name, federated, credential), []byte(token)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func writeJSON(file string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return writeOwn(file, text)
}

// writeOwn writes a file that only its owner can read, in a folder that only its owner can read.
func writeOwn(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return wholefile.Write(file, text)
}

// useAzureCLIOf makes azidentity's Azure CLI be signed in as the invoker. Outside of the sandbox there is one Azure
// CLI, and the account that is signed in to it invokes.
func useAzureCLIOf(stack, invoker string) error {
	dir := os.Getenv(signInsVariable)
	if dir == "" {
		return nil
	}
	dir = filepath.Join(dir, stack, invoker, azureCLIFolder)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return os.Setenv("AZURE_CONFIG_DIR", dir)
}

// federatedTokenOf returns the file with a token for one of the invoker's federated credentials, in the sandbox; else
// "".
func federatedTokenOf(stack, name string, invoker access.Invoker) string {
	dir := os.Getenv(signInsVariable)
	if dir == "" || len(invoker.FederatedCredentials) == 0 {
		return ""
	}
	credential := slices.Min(slices.Collect(maps.Keys(invoker.FederatedCredentials)))
	file := filepath.Join(dir, stack, name, federated, credential)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}
