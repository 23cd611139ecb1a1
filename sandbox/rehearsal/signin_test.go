package rehearsal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestASignInThatTheWeatherRefusesIsTriedAgain(t *testing.T) {
	t.Parallel()
	a, err := azure.Start(t.Context(), azure.Options{Weather: azure.Weather{Faults: 1}}) // at most twice in a row
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	owner := a.Deployer()
	token, err := entraOf(a, owner.ClientID, a.Cloud().MachineLearning).bySecret(t.Context(), owner.ClientSecret)
	require.NoError(t, err)
	assert.NotEmpty(t, token)
	_, err = entraOf(a, owner.ClientID, a.Cloud().MachineLearning).bySecret(t.Context(), "wrong")
	assert.ErrorContains(t, err, "AADSTS7000215")
}

func TestWhoSignsInForAnInvoker(t *testing.T) {
	t.Parallel()
	const id = "33333333-3333-4333-8333-333333333333"
	assert.Equal(t, id, Person(access.Invoker{Kind: access.User, PrincipalID: access.Known(id)}))
	assert.Equal(t, memberOf(id), Person(access.Invoker{Kind: access.Group, PrincipalID: access.Known(id)}))
	assert.Empty(t, Person(access.Invoker{Kind: access.ManagedIdentity, PrincipalID: access.Known(id)}))
	assert.Empty(t, Person(access.Invoker{Kind: access.User, PrincipalID: access.Later(nil)}))
}
