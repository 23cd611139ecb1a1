package access

// endpointSource is the sheet in which it is inferred that batch endpoints take role assignments.
const endpointSource = "facts/batch-endpoints.md"

// parted refuses, for role.scope endpoint, a role that can't be split in two: one that exists, and one of the user's
// own, whose patterns and notActions do not say which actions belong to an endpoint.
func (v *validator) parted(path string, r Role) bool {
	whole := true
	for _, given := range []struct {
		key string
		is  bool
	}{
		{"builtIn", r.BuiltIn != ""}, {"roleDefinitionId", r.RoleDefinitionID.Given()}, {"definition", r.Definition != ""},
	} {
		if given.is {
			whole = false
			v.add(path+"."+given.key, "leave it out, or choose a wider role.scope",
				"does not go with role.scope endpoint, for which the stack makes two roles of the article's actions")
		}
	}
	return whole
}

// limitedToEndpoints checks what role.scope endpoint needs from the rest of the model, and warns that it rests on an
// inference.
func (v *validator) limitedToEndpoints() {
	if !v.m.Role.ByEndpoint() {
		return
	}
	if len(v.m.Endpoints) == 0 {
		v.add("role.scope", "name the batch endpoints in endpoints, or choose workspace",
			"is endpoint, and no endpoint is named at which a role could be assigned")
		return
	}
	v.warn("role.scope", "run batchaccess verify and batchaccess invoke after the first deployment, which report what "+
		"Azure answers, or choose workspace, which is documented",
		"that Azure takes role assignments at one batch endpoint is documented for online endpoints and inferred for "+
			"batch ones (%s)", endpointSource)
	named := map[string]bool{}
	for _, e := range v.m.Endpoints {
		for _, name := range v.m.InvokersOf(e) {
			named[name] = true
		}
	}
	for _, name := range sorted(v.m.Invokers) {
		if !named[name] {
			v.warn("invokers."+name, "name it in endpoints.<name>.invokers, or take it out",
				"is named by no endpoint, so with role.scope endpoint it may start nothing")
		}
	}
}
