package azure

import (
	"cmp"
	"slices"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// UserCredentials are what a person signs in with, by the password grant of the token endpoints.
type UserCredentials struct {
	User
	Password string
}

// Users are the people in the directory, by user principal name. Their passwords are random, and valid in this run
// only.
func (a *Azure) Users() []UserCredentials {
	var users []UserCredentials
	_ = a.store.View(func(st *state.State) error {
		for _, u := range st.Users {
			user := User{u.ID, u.UserPrincipalName, u.DisplayName, u.Mail}
			users = append(users, UserCredentials{user, a.entra.Password(u.ID)})
		}
		return nil
	})
	slices.SortFunc(users, func(a, b UserCredentials) int { return cmp.Compare(a.UserPrincipalName, b.UserPrincipalName) })
	return users
}
