package invoke

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

func usage(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Failure{Kind: Request, What: err.Error(), cause: err}
}

// Failed gives a Kind to errors that prevent a sign-in from beginning: a cloud that can't be asked, a credential that
// can't be made. Every other error is about what was given, and stays as it is.
func Failed(err error) error {
	var unreached *azure.Unreached
	var unprepared *azure.Unprepared
	switch {
	case errors.As(err, &unreached):
		return &Failure{Kind: Network, What: err.Error(), cause: err}
	case errors.As(err, &unprepared):
		return &Failure{Kind: Token, Hop: access.TokenHop, What: err.Error(), cause: err}
	}
	return err
}

// A StaticToken is a credential with one token for a batch endpoint, which was obtained elsewhere. It has none for
// Resource Manager.
type StaticToken string

// String hides the token from anything that prints the credential.
func (StaticToken) String() string { return "(token)" }

// GoString does the same for %#v.
func (StaticToken) GoString() string { return "(token)" }

// GetToken returns the token.
func (t StaticToken) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if len(o.Scopes) != 1 || !strings.HasPrefix(o.Scopes[0], "https://ml.azure.") {
		return azcore.AccessToken{}, usage("the token that was given is for a batch endpoint alone, and Resource Manager " +
			"has to be asked where the endpoint is; give its address with --uri")
	}
	c, err := azure.ReadClaims(string(t))
	if err != nil {
		return azcore.AccessToken{}, &Failure{Kind: Token, Hop: access.TokenHop,
			What: "the token can't be read: " + err.Error(), Remedy: []string{"get one with: " +
				"" + jobrequest.GetToken(strings.TrimSuffix(o.Scopes[0], "/.default"))}, cause: err}
	}
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Unix(c.Expires, 0)}, nil
}

// checked checks each token for batch endpoints before it is sent, and keeps its claims.
type checked struct {
	azcore.TokenCredential
	audience string // of tokens for batch endpoints
	tenantID string // the workspace's, "" if it is not known

	mu   sync.Mutex
	last claims
}

func (c *checked) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.TokenCredential.GetToken(ctx, o)
	var f *Failure
	if err != nil {
		if errors.As(err, &f) || ctx.Err() != nil {
			return token, err
		}
		return token, noToken(c.audience, err)
	}
	read, err := azure.ReadClaims(token.Token)
	if err != nil {
		return azcore.AccessToken{}, &Failure{Kind: Token, Hop: access.TokenHop,
			What: "the token can't be read: " + err.Error(), cause: err}
	}
	found := claims(read)
	c.mu.Lock()
	c.last = found
	c.mu.Unlock()
	if len(o.Scopes) != 1 || o.Scopes[0] != c.audience+"/.default" {
		return token, nil
	}
	if err := found.check(c.audience, c.tenantID, time.Now()); err != nil {
		return azcore.AccessToken{}, err
	}
	return token, nil
}

func (c *checked) invoker() claims {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}
