package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// A Usage is how much of one of Azure's limits everybody together has used.
type Usage struct {
	What  string `json:"what"`  // role assignments, or custom roles
	Where string `json:"where"` // ARM ID of the subscription; / for the tenant
	// Used counts what the verifying account may see: there may be more.
	Used  int `json:"used"`
	Limit int `json:"limit"`
	// Unknown says why it could not be counted; "" if it could.
	Unknown string `json:"unknown,omitempty"`
}

func (u Usage) nearLimit() bool { return cloud.NearLimit(u.Used, u.Limit) }

func (u Usage) String() string {
	where := "the tenant"
	if u.Where != "/" {
		where = "subscription " + strings.TrimPrefix(u.Where, "/subscriptions/")
	}
	if u.Unknown != "" {
		return fmt.Sprintf("how many of the %d %s of %s are used is not known: %s", u.Limit, u.What, where, u.Unknown)
	}
	return fmt.Sprintf("%s has %d of the %d %s that Azure allows it", where, u.Used, u.Limit, u.What)
}

// waysDown say how to get below a limit.
var waysDown = map[string]string{
	assignmentsUsed: "make invokers that need the same the members of one group (invokers.<name>.members), remove " +
		"assignments whose principal is gone, or use another subscription",
	rolesUsed: "share one role among stacks (role.roleDefinitionId), and delete those that nobody is assigned",
}

const (
	assignmentsUsed = "role assignments"
	rolesUsed       = "custom roles"
)

// Limits counts what the subscriptions of the model's workspace and storage accounts, and the tenant, have used of
// their limits. If something can't be counted, Unknown says why: limits decide nothing.
func (o *Observer) Limits(ctx context.Context, m access.Model) ([]Usage, error) {
	var subscriptions []string
	ids := []string{m.WorkspaceID.Text()}
	for name := range m.StorageAccounts {
		ids = append(ids, m.StorageAccounts[name].Text())
	}
	for _, id := range ids {
		if parts := strings.Split(strings.ToLower(id), "/"); len(parts) > 2 {
			subscriptions = append(subscriptions, "/subscriptions/"+parts[2])
		}
	}
	slices.Sort(subscriptions)
	var all []Usage
	for _, subscription := range slices.Compact(subscriptions) {
		all = append(all, Usage{What: assignmentsUsed, Where: subscription, Limit: m.MaxRoleAssignments()})
	}
	all = append(all, Usage{What: rolesUsed, Where: "/", Limit: m.MaxCustomRoles()})
	for i := range all {
		err := o.use(ctx, &all[i])
		var refusal *azure.Refusal
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &refusal) && refusal.Answer.StatusCode == http.StatusForbidden:
			all[i].Used, all[i].Unknown = 0, "whoever verifies may not look there ("+refusal.Answer.ErrorCode+")"
		default:
			all[i].Used, all[i].Unknown = 0, err.Error()
		}
	}
	return all, nil
}

var errNothingThere = errors.New("there is no such list in Azure (404)")

// use counts. A subscription's list has the assignments of management groups above it, which do not count.
func (o *Observer) use(ctx context.Context, u *Usage) error {
	if u.What == assignmentsUsed {
		all, there, err := azure.List[assigned](ctx, o.client, azure.ResourceManager, assignmentsOf(u.Where))
		if err == nil && !there {
			err = errNothingThere
		}
		for _, a := range all {
			if strings.HasPrefix(strings.ToLower(a.Properties.Scope)+"/", u.Where+"/") {
				u.Used++
			}
		}
		return err
	}
	all, there, err := azure.List[struct{}](ctx, o.client, azure.ResourceManager,
		azure.Version("/providers/Microsoft.Authorization/roleDefinitions", azure.AuthorizationVersion,
			"type eq 'CustomRole'"))
	if err == nil && !there {
		err = errNothingThere
	}
	u.Used = len(all)
	return err
}
