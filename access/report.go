package access

import "cmp"

// A Report is what a model grants and makes possible, one line a fact, so that a preview shows a change of access as a
// change of lines. Explain tells the same with every hop.
type Report struct {
	// Grants are roles by principal ("invoker analysts", "cluster cpu") and scope ("workspace", "lake", "lake/patients").
	Grants map[string]map[string]string `json:"grants"`
	// ACLs are POSIX permissions by principal and place ("lake/patients/heart-disease"), which are set outside of the stack.
	ACLs map[string]map[string]string `json:"acls,omitempty"`
	// Paths are "works", or where the job fails and what is missing there, by invoker, endpoint and input.
	Paths map[string]map[string]map[string]string `json:"paths"`
}

// NoInput stands in a Report for the input of an endpoint that reads nothing.
const NoInput = "(no input)"

// MakeReport makes the report of a model.
func MakeReport(m Model) Report {
	grants := Grants(m)
	r := Report{Grants: map[string]map[string]string{}, ACLs: map[string]map[string]string{}, Paths: map[string]map[string]map[string]string{}}
	for _, g := range grants {
		put(r.Grants, g.Principal.String(), g.Scope.String(), g.Role)
	}
	for _, a := range ACLs(m) {
		put(r.ACLs, a.Principal.String(), a.StorageAccount+"/"+a.Container+a.Path, a.Permissions)
	}
	for _, p := range ExplainWith(m, grants) {
		input := cmp.Or(p.Input, NoInput)
		if r.Paths[p.Invoker] == nil {
			r.Paths[p.Invoker] = map[string]map[string]string{}
		}
		put(r.Paths[p.Invoker], p.Endpoint, input, p.Outcome())
	}
	return r
}

func put(m map[string]map[string]string, outer, inner, value string) {
	if m[outer] == nil {
		m[outer] = map[string]string{}
	}
	m[outer][inner] = value
}
