package verify

import (
	"cmp"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

const workspaceActions = "Microsoft.MachineLearningServices/workspaces/"

// An Escalation is the first step of an indirect way that an assignment opens and the model does not.
type Escalation struct {
	To     roles.Target `json:"to"`
	Action string       `json:"action"` // the surest one that leads there
	// Undecided says why it is undecided; "" if it leads there for certain.
	Undecided string `json:"undecided,omitempty"`
}

func (e Escalation) String() string {
	if e.Undecided != "" {
		return string(e.To) + " (undecided: " + e.Undecided + ")"
	}
	return string(e.To)
}

// escalations returns where an assignment leads a principal at the stack's places, each once. It omits what the
// principal's needs lead to as well, at the assignment's place or in the workspace: explain shows that.
func (h *holdings) escalations(p access.Principal, a Assignment, needed, inWorkspace roles.Permissions) (
	all []Escalation) {
	at := map[roles.Target]int{}
	for _, l := range roles.Escalations() {
		_, ofWorkspaces := cutFold(l.Action.Name, workspaceActions)
		if l.To == roles.Nowhere || !a.Permissions.MayAllow(l.Action) || !h.acts(a, l.Action) ||
			needed.Allows(l.Action) || ofWorkspaces && inWorkspace.Allows(l.Action) {
			continue
		}
		found := Escalation{To: l.To, Action: l.Action.Name, Undecided: strings.Trim(a.whyUndecided(l.Action), " ()")}
		if d, denied := h.denied(p, a.Scope, l.Action); denied {
			why := whyUndecided(d.Condition, d.Permissions, l.Action)
			if why == "" {
				continue
			}
			found.Undecided = cmp.Or(found.Undecided, "denied"+why)
		}
		switch {
		case found.Undecided != "":
		case l.Inferred:
			found.Undecided = "no document says what " + l.Action.Name + " is enough for"
		case l.To == roles.ToAttach:
			found.Undecided = "it takes another action too"
		}
		if i, there := at[l.To]; !there {
			at[l.To] = len(all)
			all = append(all, found)
		} else if all[i].Undecided != "" && found.Undecided == "" {
			all[i] = found
		}
	}
	return all
}

// acts reports whether an action has an effect at one of the stack's places at which it is assigned.
func (h *holdings) acts(a Assignment, action roles.Action) bool {
	workspace := h.m.WorkspaceID.Text()
	name, ofWorkspaces := cutFold(action.Name, workspaceActions)
	switch {
	case strings.HasPrefix(action.Name, "Microsoft.Authorization/"):
		return true // on any resource at the scope
	case ofWorkspaces:
		return covers(a.Scope, workspace) ||
			strings.HasPrefix(name, "batchEndpoints/") && covers(workspace+"/batchEndpoints", a.Scope)
	case strings.HasPrefix(action.Name, "Microsoft.Storage/"):
		for _, account := range h.m.StorageAccounts {
			if covers(a.Scope, account.Text()) || action.Data && covers(account.Text(), a.Scope) {
				return true
			}
		}
		return false
	}
	// Identities, scripts and registries are not in the stack's places.
	return !covers(workspace, a.Scope) && !strings.Contains(strings.ToLower(a.Scope), "/microsoft.storage/")
}
