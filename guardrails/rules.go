package guardrails

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// rules are the guardrails, those about roles first.
var rules = []Rule{
	{"custom-role", "A custom role has no wildcard and grants no access", "A wildcard also covers what Azure adds later, and whoever may write role assignments may give themselves the rest.", High, Mandatory, customRole},
	{"privileged-role", "No built-in role that grants access is assigned", "Owner and its like may give anyone anything.", High, Mandatory, privilegedRole},
	{"assignment-scope", "No role holds wider than a resource group", "A role at a subscription or a management group holds in every workspace and storage account below it, those of tomorrow included.", High, Mandatory, assignmentScope},
	{"principal-type", "A role assignment names its principal's type", "Without it, Resource Manager refuses a principal that Entra has not replicated yet, and the deployment fails at random.", Low, Mandatory, principalType},
	{"storage-role", "No storage role above reader unless asked for", "Reading a job's data takes Storage Blob Data Reader; more lets a job change or delete its own input.", Medium, Mandatory, storageRole},
	{"invoker-role", "The invokers' role is the documented 35 actions and named additions", "Starting a job takes these actions and no more; what is more should be asked for by name.", High, Mandatory, invokerRoleBreadth},
	{"secret-lifetime", "A client secret ends", "A secret that does not end is valid for whoever finds it.", Medium, Mandatory, secretLifetime},
	{"federation-subject", "A federated credential is limited to a branch or an environment", "Anyone who can open a pull request or push a tag could otherwise sign in.", High, Mandatory, federationSubject},
	{"cluster-identity", "A cluster has a managed identity", "Without one no job on it can mount data by identity, and what can't is then given a key.", Medium, Mandatory, clusterIdentity},
	{"cluster-local-auth", "A cluster allows no local authentication", "Local accounts pass Entra by: no conditional access, no sign-in log.", Medium, Mandatory, clusterLocalAuth},
	{"cluster-ssh", "A cluster's nodes are closed to SSH", "Whoever logs in to a node acts as the cluster identity.", High, Mandatory, clusterSSH},
}

var wideScopes = []string{"subscription", "managementGroup", "root"}

var (
	subscriptionForm = regexp.MustCompile(`(?i)^/subscriptions/[^/]+$`)
	managementForm   = regexp.MustCompile(`(?i)^/providers/Microsoft\.Management/managementGroups/`)
)

// wideScope says how a scope that is wider than a resource group is called; "" for the others.
func wideScope(scope string) string {
	scope = strings.TrimRight(scope, "/")
	switch {
	case scope == "":
		return "root"
	case managementForm.MatchString(scope):
		return "managementGroup"
	case subscriptionForm.MatchString(scope):
		return "subscription"
	default:
		return ""
	}
}

func assignmentScope(r Resource, c Config, p *report) {
	switch r.Kind() {
	case RoleAssignment:
		if scope, known := p.text("scope"); known && scope != "" {
			tooWide(p, "scope", scope, c)
		}
	case RoleDefinition:
		const property = "assignableScopes"
		for _, scope := range texts(r.Inputs[property]) {
			if tooWide(p, property, scope, c) {
				return // one is enough to say so
			}
		}
		scopes, _ := r.Inputs[property].([]any)
		for _, one := range append([]any{r.Inputs[property]}, scopes...) {
			if !p.known(property, one) {
				return
			}
		}
	}
}

func tooWide(p *report, property, scope string, c Config) bool {
	kind := wideScope(scope)
	allowed := func(s string) bool { return s == kind || strings.HasPrefix(s, "/") && roles.Contains(s, scope) }
	if kind == "" || slices.ContainsFunc(c.AllowedScopes, allowed) {
		return false
	}
	p.find(property, "name a workspace, a storage account, a container or a resource group, or allow "+kind+" in allowedScopes", "holds at %s: a %s", scope, kind)
	return true
}

func principalType(r Resource, _ Config, p *report) {
	if r.Kind() != RoleAssignment {
		return
	}
	if kind, known := p.text("principalType"); known && !slices.Contains([]string{"User", "Group", "ServicePrincipal"}, kind) {
		p.find("principalType", "set it to User, Group or ServicePrincipal (managed identities are service principals)", "is %q", kind)
	}
}

func secretLifetime(r Resource, c Config, p *report) {
	if r.Kind() != Password {
		return
	}
	days := time.Duration(c.MaxSecretDays) * 24 * time.Hour
	text, known := p.text("endDate")
	if !known {
		return
	}
	if text == "" {
		p.find("endDate", "set endDate; endDateRelative is taken by the provider and never sent", "is not set, so Entra's own default applies")
		return
	}
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.find("endDate", "write it as 2026-11-01T00:00:00Z", "%q is not a date", text)
		return
	}
	startText, known := p.text("startDate")
	if !known {
		return
	}
	if start, err := time.Parse(time.RFC3339, startText); err != nil {
		p.find("startDate", "set it as 2026-11-01T00:00:00Z, so that the lifetime can be told", "%q is not a date", startText)
	} else if end.Sub(start) > days {
		p.find("endDate", "end it earlier, and rotate; or raise maxSecretDays", "lives for %d days; the limit is %d", int(end.Sub(start).Hours()/24), c.MaxSecretDays)
	}
}

var (
	githubIssuer  = regexp.MustCompile(`^` + regexp.QuoteMeta(access.GitHubIssuer) + `(/|$)`)
	githubSubject = regexp.MustCompile(`^repo:[^:/*]+/[^:/*]+:(ref:refs/heads/[^*]+|environment:[^*]+)$`)
)

func federationSubject(r Resource, c Config, p *report) {
	if r.Kind() != Federation {
		return
	}
	issuer, issuerKnown := p.text("issuer")
	subject, known := p.text("subject")
	switch {
	case !known || slices.Contains(c.AllowedSubjects, subject) && subject != "":
	case subject == "":
		p.find("subject", "write the sub claim of the tokens that may sign in", "is not set")
	case strings.Contains(subject, "*"):
		p.find("subject", "write each subject in full", "%q holds a wildcard", subject)
	case issuerKnown && githubIssuer.MatchString(issuer) && !githubSubject.MatchString(subject):
		p.find("subject", "name a branch (repo:owner/name:ref:refs/heads/main) or an environment (repo:owner/name:environment:production), or allow it in allowedSubjects", "%q is not limited to a branch or an environment", subject)
	}
	if issuerKnown && strings.Contains(issuer, "*") {
		p.find("issuer", "write the issuer in full", "%q holds a wildcard", issuer)
	}
}

// clusterProperties are the properties of an AmlCompute cluster; other kinds of compute run no batch jobs.
func clusterProperties(r Resource, p *report) (outer map[string]any, is bool) {
	if r.Kind() != Compute || !p.known("properties", r.Inputs["properties"]) {
		return nil, false
	}
	outer, _ = r.Inputs["properties"].(map[string]any)
	return outer, p.known("properties.computeType", outer["computeType"]) && outer["computeType"] == "AmlCompute"
}

func clusterIdentity(r Resource, _ Config, p *report) {
	if _, is := clusterProperties(r, p); !is || !p.known("identity", r.Inputs["identity"]) {
		return
	}
	identity, _ := r.Inputs["identity"].(map[string]any)
	kind, _ := identity["type"].(string)
	if p.known("identity.type", identity["type"]) && (kind == "" || strings.EqualFold(kind, "None")) {
		p.find("identity", "give it identity systemAssigned or userAssigned", "has no managed identity")
	}
}

func clusterLocalAuth(r Resource, _ Config, p *report) {
	const property = "properties.disableLocalAuth"
	if outer, is := clusterProperties(r, p); is && p.known(property, outer["disableLocalAuth"]) && outer["disableLocalAuth"] != true {
		p.find(property, "set it to true (leave out enableLocalAuth)", "local authentication is not disabled")
	}
}

func clusterSSH(r Resource, _ Config, p *report) {
	const property = "properties.properties.remoteLoginPortPublicAccess"
	outer, is := clusterProperties(r, p)
	if !is || !p.known("properties.properties", outer["properties"]) {
		return
	}
	inner, _ := outer["properties"].(map[string]any)
	access, _ := inner["remoteLoginPortPublicAccess"].(string)
	if p.known(property, inner["remoteLoginPortPublicAccess"]) && !strings.EqualFold(access, "Disabled") {
		p.find(property, "set it to Disabled (leave out ssh)", "is %q", access)
	}
}

// texts are those of a list that are known.
func texts(list any) (all []string) {
	items, _ := list.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
