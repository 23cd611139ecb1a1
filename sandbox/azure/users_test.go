package azure_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// azureCLI is the client that people sign in with.
const azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

func TestAUserSignsInWithThePasswordOfThisRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := w.Users()
	require.Len(t, users, 2)
	require.Equal(t, azure.User{ObjectID: alice, UserPrincipalName: "alice@example.com"}, users[0].User)
	assert.NotEqual(t, users[0].Password, users[1].Password)
	assert.Equal(t, users, w.Users(), "the same ones, whenever they are asked for")
	assert.NotEqual(t, users[0].Password, newWorld(t).Users()[0].Password, "another one in another run")

	right := map[string]string{"grant_type": "password", "client_id": azureCLI, "username": "Alice@example.com",
		"password": users[0].Password}
	w.invoker(alice)
	token := w.signIn(right)
	require.Equal(t, http.StatusOK, token.status, token.body)
	access := token.body["access_token"].(string)
	body := object("properties", object("InputData", object()))
	assert.Equal(t, http.StatusCreated, w.send(http.MethodPost, "/inference/westeurope/heart/jobs", access, body).status)

	v1 := url.Values{"resource": {ml}}
	for key, value := range right {
		v1.Set(key, value)
	}
	got := w.send(http.MethodPost, "/"+tenantID+"/oauth2/token", "", v1.Encode(), "Content-Type",
		"application/x-www-form-urlencoded")
	assert.Equal(t, http.StatusOK, got.status, got.body)

	_, confidential, _ := w.application("an application")
	for name, c := range map[string]struct {
		change map[string]string
		code   float64
	}{
		"another's password":     {map[string]string{"password": users[1].Password}, 50126},
		"no password":            {map[string]string{"password": ""}, 900144},
		"an unknown user":        {map[string]string{"username": "carol@example.com"}, 50034},
		"an unknown client":      {map[string]string{"client_id": w.Deployer().ObjectID}, 700016},
		"a client with a secret": {map[string]string{"client_id": confidential}, 7000218},
		"another grant":          {map[string]string{"grant_type": "device_code"}, 70003},
	} {
		form := map[string]string{}
		for key, value := range right {
			form[key] = value
		}
		for key, value := range c.change {
			form[key] = value
		}
		got := w.signIn(form)
		assert.GreaterOrEqual(t, got.status, 400, name)
		assert.Equal(t, c.code, errorCode(got), "%s: %v", name, got.body)
	}
}
