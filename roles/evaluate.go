package roles

import "strings"

// A Decision says whether a role allows an action and which of its entries decided it.
type Decision struct {
	Allowed  bool
	Entry    string // the actions entry that covers the action; "" if none does
	DeniedBy string // the notActions entry that takes it away again; "" if none does
}

// String tells the decision in a few words, for a reviewer.
func (d Decision) String() string {
	switch {
	case d.Allowed:
		return "allowed by " + d.Entry
	case d.Entry != "":
		return "covered by " + d.Entry + " but taken away by " + d.DeniedBy
	default:
		return "covered by no entry"
	}
}

// Action decides on an action of the control plane, such as Microsoft.MachineLearningServices/workspaces/read.
func (ps Permissions) Action(action string) Decision {
	return ps.decide(action, func(p Permission) ([]string, []string) { return p.Actions, p.NotActions })
}

// DataAction decides on an action of the data plane, such as
// Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read.
func (ps Permissions) DataAction(action string) Decision {
	return ps.decide(action, func(p Permission) ([]string, []string) { return p.DataActions, p.NotDataActions })
}

// Allows reports whether the permissions allow the action, on its own plane.
func (ps Permissions) Allows(a Action) bool {
	if a.Data {
		return ps.DataAction(a.Name).Allowed
	}
	return ps.Action(a.Name).Allowed
}

// decide takes each permission by itself: notActions narrow the permission they stand in and deny nothing
// that another one allows (Azure: effective permissions are actions less notActions, and they add up).
func (ps Permissions) decide(action string, side func(Permission) (allow, not []string)) Decision {
	var refused Decision
	for _, p := range ps {
		allow, not := side(p)
		entry := firstMatch(allow, action)
		if entry == "" {
			continue
		}
		deniedBy := firstMatch(not, action)
		if deniedBy == "" {
			return Decision{Allowed: true, Entry: entry}
		}
		if refused.Entry == "" {
			refused = Decision{Entry: entry, DeniedBy: deniedBy}
		}
	}
	return refused
}

// Missing returns those of the seed's 35 actions that the permissions do not allow, in the seed's order.
func (ps Permissions) Missing() []string {
	var missing []string
	for _, action := range invoker.Permissions[0].Actions {
		if !ps.Action(action).Allowed {
			missing = append(missing, action)
		}
	}
	return missing
}

func firstMatch(patterns []string, action string) string {
	for _, pattern := range patterns {
		if Match(pattern, action) {
			return pattern
		}
	}
	return ""
}

// Match reports whether a pattern of a role covers an action: letters match without regard to case, and each
// `*` matches any run of characters, the empty one and slashes included.
func Match(pattern, action string) bool {
	if !strings.Contains(pattern, "*") {
		return strings.EqualFold(pattern, action)
	}
	pattern, action = strings.ToLower(pattern), strings.ToLower(action)
	head, rest, _ := strings.Cut(pattern, "*")
	if !strings.HasPrefix(action, head) {
		return false
	}
	action = action[len(head):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(action, part)
		}
		at := strings.Index(action, part)
		if at < 0 {
			return false
		}
		action, rest = action[at+len(part):], after
	}
}
