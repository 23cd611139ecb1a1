package roles

// An Action is one thing that a role may allow, on the control plane or the data plane.
type Action struct {
	Name string `json:"action"`
	Data bool   `json:"data,omitempty"`
}

func (a Action) String() string {
	if a.Data {
		return a.Name + " (data)"
	}
	return a.Name
}

// known are the actions that have a name here: the article's 35, the additions, and those of a risk.
var known = func() (all []Action) {
	for _, name := range InvokerActions() {
		all = append(all, Action{Name: name})
	}
	for _, addition := range Additions() {
		for _, name := range addition.Actions {
			all = append(all, Action{Name: name})
		}
	}
	for _, a := range risky {
		all = append(all, a.action)
	}
	return all
}()

// NamedActions returns the actions that have a name here, in a fixed order.
func NamedActions() []Action { return known }
