package azure

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/entra"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// secretLifetime is how long the deployer's secret is valid. Each run makes a new one.
const secretLifetime = 365 * 24 * time.Hour

// Credentials are the values with which a client signs in.
type Credentials struct{ TenantID, SubscriptionID, ClientID, ClientSecret, ObjectID string }

// DeployerPermission is one action of Resource Manager, or one permission on Microsoft Graph, that the deployer of a
// stack needs.
type DeployerPermission = role.DeployerPermission

// DeployerPermissions are all permissions of the deployer, at every subscription and in the directory.
func DeployerPermissions() []DeployerPermission { return slices.Clone(role.DeployerPermissions) }

// TakeFromDeployer takes the permissions with these names from the deployer, for this run; without names, it gives
// all back. The error lists names that the deployer never had.
func (a *Azure) TakeFromDeployer(names ...string) error {
	for _, name := range names {
		if !slices.ContainsFunc(role.DeployerPermissions, func(p DeployerPermission) bool { return p.Name == name }) {
			return fmt.Errorf("the deployer has no permission %q; see DeployerPermissions", name)
		}
	}
	return a.store.Update(func(st *state.State) error { st.DeployerLacks = names; return nil })
}

// Deployer is the service principal that deploys stacks. It may do what DeployerPermissions lists, and nothing else.
// Its IDs last as long as the state; its secret is valid in this run only. SubscriptionID is the first subscription
// that was seeded; "" before that.
func (a *Azure) Deployer() Credentials {
	var c Credentials
	_ = a.store.View(func(st *state.State) error {
		sp := st.ServicePrincipals[st.DeployerID]
		c = Credentials{TenantID: st.TenantID, SubscriptionID: st.Subscription, ClientID: sp.AppID, ClientSecret: a.secret,
			ObjectID: sp.ID}
		return nil
	})
	return c
}

// enrolDeployer makes the deployer in a new tenant. It gives the deployer a new secret in every run.
func (a *Azure) enrolDeployer() error {
	secret, digest := entra.NewSecret()
	a.secret = secret
	return a.store.Update(func(st *state.State) error {
		now := a.store.Now()
		sp := st.ServicePrincipals[st.DeployerID]
		if sp == nil {
			app := &state.Application{
				ID: uuid.NewString(), AppID: uuid.NewString(), Seeded: true, CreatedAt: now,
				Attributes: map[string]any{"displayName": "batchaccess sandbox deployer"},
			}
			sp = &state.ServicePrincipal{ID: uuid.NewString(), AppID: app.AppID, Type: "Application", Enabled: true,
				Seeded: true}
			st.Applications[app.ID], st.ServicePrincipals[sp.ID] = app, sp
			st.DeployerID = sp.ID
			st.Touch(state.Applications, app.ID)
			st.Touch(state.ServicePrincipals, sp.ID)
		}
		app := st.ApplicationByAppID(sp.AppID)
		app.Passwords = []state.Password{{
			KeyID: uuid.NewString(), SHA256: digest, Seeded: true,
			StartDateTime: now.Format(time.RFC3339), EndDateTime: now.Add(secretLifetime).Format(time.RFC3339),
		}}
		st.Touch(state.Applications, app.ID)
		return nil
	})
}
