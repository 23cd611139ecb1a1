package invoke

import (
	"fmt"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// claims are the claims of the invoker's token.
type claims azure.Claims

// principalType returns the principal's type for `az role assignment create`.
func (c claims) principalType() string {
	if c.Kind == "user" || c.UPN != "" {
		return "User"
	}
	return "ServicePrincipal"
}

// check refuses, before it is sent, a token that a batch endpoint would refuse. tenantID is the workspace's, "" if it
// is not known. The error has nothing of the token except its claims.
func (c claims) check(audience, tenantID string, now time.Time) error {
	refuse := func(remedy, format string, args ...any) error {
		return &Failure{Kind: Token, Hop: access.TokenHop, Identity: c.ObjectID, What: fmt.Sprintf(format, args...),
			Remedy: []string{remedy}}
	}
	stamp := func(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
	switch {
	case strings.TrimRight(c.Audience, "/") != audience:
		return refuse("get one with: "+jobrequest.GetToken(audience),
			"the token is for %q, and a batch endpoint takes one for %s and nothing else", c.Audience, audience)
	case c.Expires != 0 && !now.Before(time.Unix(c.Expires, 0)):
		return refuse("get a new one with: "+jobrequest.GetToken(audience), "the token expired at %s", stamp(c.Expires))
	case c.NotBefore != 0 && now.Add(clockSkew).Before(time.Unix(c.NotBefore, 0)):
		return refuse("check this machine's clock", "the token is not valid before %s", stamp(c.NotBefore))
	case tenantID != "" && !strings.EqualFold(c.TenantID, tenantID) && arm.IsGUID(tenantID):
		return refuse("get one with: "+jobrequest.GetToken(audience)+" --tenant "+tenantID,
			"the token was issued by tenant %s, and the workspace belongs to tenant %s", c.TenantID, tenantID)
	}
	return nil
}

// clockSkew is how far this machine's clock may be behind Entra's.
const clockSkew = 5 * time.Minute
