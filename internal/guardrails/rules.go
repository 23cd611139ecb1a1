package guardrails

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/roles"
)

// rules are the guardrails; those about roles come first.
var rules = []Rule{
	{
		ID: "custom-role", Title: "A custom role has no wildcard and grants no " +
			"access", Severity: High, Level: Mandatory, check: customRole,
		Why: "A wildcard also covers what Azure adds later, and whoever may write role assignments may give themselves " +
			"the rest.",
	},
	{
		ID: "privileged-role", Title: "No role that grants access is " +
			"assigned", Severity: High, Level: Mandatory, check: privilegedRole,
		Why: "Owner and similar roles may give anyone anything. The rule looks at what a role allows, not at its name.",
	},
	{
		ID: "unknown-role", Title: "It is known what an assigned role " +
			"allows", Severity: High, Level: Mandatory, check: unknownRole,
		Why: "A role that is neither built in nor made by the program may allow anything.",
	},
	{
		ID: "assignment-scope", Title: "No role holds wider than a resource " +
			"group", Severity: High, Level: Mandatory, check: assignmentScope,
		Why: "A role at a subscription or a management group holds in every workspace and storage account below it, also " +
			"in those that are made later.",
	},
	{
		ID: "principal-type", Title: "A role assignment names its principal's " +
			"type", Severity: Low, Level: Mandatory, check: principalType,
		Why: "Without it, Resource Manager refuses a principal that Entra has not replicated yet, and the deployment " +
			"fails at random.",
	},
	{
		ID: "storage-role", Title: "No storage role above reader unless " +
			"asked for", Severity: Medium, Level: Mandatory, check: storageRole,
		Why: "Reading a job's data takes Storage Blob Data Reader; more lets a job change or delete its own input, or " +
			"read keys that open everything.",
	},
	{
		ID: "invoker-role", Title: "The invokers' role is the documented 35 actions and named " +
			"additions", Severity: High, Level: Mandatory, check: invokerRoleBreadth,
		Why: "Starting a job takes these actions and no more; anything else should be asked for by name.",
	},
	{
		ID: "secret-lifetime", Title: "A client secret ends", Severity: Medium, Level: Mandatory, check: secretLifetime,
		Why: "A secret that does not end is valid for whoever finds it.",
	},
	{
		ID: "federation-subject", Title: "A federated credential is limited to a branch or an " +
			"environment", Severity: High, Level: Mandatory, check: federationSubject,
		Why: "Anyone who can open a pull request or push a tag could otherwise sign in.",
	},
	{
		ID: "cluster-identity", Title: "A cluster has a managed " +
			"identity", Severity: Medium, Level: Mandatory, check: clusterIdentity,
		Why: "Without one no job on it can mount data as an identity, and somebody will give it a key instead.",
	},
	{
		ID: "cluster-local-auth", Title: "A cluster allows no local " +
			"authentication", Severity: Medium, Level: Mandatory, check: clusterLocalAuth,
		Why: "Local accounts bypass Entra: no conditional access, no sign-in log.",
	},
	{
		ID: "cluster-ssh", Title: "A cluster's nodes are closed to SSH", Severity: High, Level: Mandatory, check: clusterSSH,
		Why: "Whoever logs in to a node acts as the cluster identity.",
	},
	{
		ID: "other-access", Title: "Access is given by role assignments and federation alone, and by no " +
			"other way", Severity: High, Level: Mandatory, check: otherAccess, gone: true,
		Why: "Directory roles, owners, keys, public containers, policies and code that runs as an identity give access " +
			"that no review of roles shows.",
	},
	{
		ID: "unseen", Title: "A preview sees into every " +
			"resource", Severity: High, Level: Mandatory, check: unseen, gone: true,
		Why: "Templates, scripts, commands and dynamic resources may give anyone anything, and a preview does not show it.",
	},
	{
		ID: "assertion-weakened", Title: "No assertion is removed or " +
			"weakened", Severity: High, Level: Mandatory, check: assertionWeakened, gone: true, Change: true,
		Why: "An assertion says what must stay true; a change that takes it away may be the one that it was written against.",
	},
}

var wideScopes = []string{"subscription", "managementGroup", "root"}

var (
	// One segment may have what Azure allows in names, and nothing that hides another: no space, percent sign or
	// backslash.
	hiding           = `\s%\\?#*\p{C}\p{Z}`
	notInSegment     = regexp.MustCompile(`[` + hiding + `]`)
	segment          = `[^/` + hiding + `]+`
	subscriptionForm = regexp.MustCompile(`(?i)^/subscriptions/` + segment + `$`)
	managementForm   = regexp.MustCompile(`(?i)^/providers/Microsoft\.Management/managementGroups/` + segment + `$`)
	resourceForm     = `(/providers/` + segment + `(/` + segment + `/` + segment + `)+)`
	narrowForm       = regexp.MustCompile(`(?i)^/subscriptions/` + segment +
		`(/resourceGroups/` + segment + resourceForm + `*|` + resourceForm + `+)$`)
)

const notUnderstood = "not understood"

// wideScope names a scope that is wider than a resource group, or says that it is not understood; "" for any other
// scope.
func wideScope(scope string) string {
	scope, _ = scopeValue(scope).(string)
	parts := strings.Split(scope, "/")
	switch {
	case slices.Contains(parts, ".") || slices.Contains(parts, ".."): // a server may read them as another place
		return notUnderstood
	case scope == "/":
		return "root"
	case managementForm.MatchString(scope):
		return "managementGroup"
	case subscriptionForm.MatchString(scope):
		return "subscription"
	case narrowForm.MatchString(scope):
		return ""
	default:
		return notUnderstood
	}
}

func assignmentScope(r Resource, c Config, p *report) {
	switch r.Kind() {
	case RoleAssignment:
		if scope, known := p.text("scope"); known && (scope != "" || r.Inputs["scope"] != nil) {
			tooWide(p, "scope", scope, c)
		}
	case RoleDefinition:
		const property = "assignableScopes"
		for _, scope := range texts(r.Inputs[property]) {
			if tooWide(p, property, scope, c) {
				return // one finding is enough
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
	if kind == "" || slices.ContainsFunc(c.AllowedScopes, func(s string) bool {
		return s == kind || wideScope(s) != notUnderstood && kind != notUnderstood &&
			roles.Contains(scopeValue(s).(string), scope)
	}) {
		return false
	}
	if kind == notUnderstood {
		p.undecided(property, "write it as an ARM ID, such as /subscriptions/…/resourceGroups/…",
			"%q is not understood as a scope", scope)
		return true
	}
	remedy := "name a workspace, a storage account, a container or a resource group, or allow " + kind +
		" in allowedScopes"
	p.find(property, remedy, "holds at %s: a %s", scope, kind)
	return true
}

func principalType(r Resource, _ Config, p *report) {
	if r.Kind() != RoleAssignment || !strings.HasPrefix(Key(p.token), native) || r.Inputs[Through] != nil {
		return // the classic provider waits for Entra by itself
	}
	if kind, known := p.text("principalType"); known && !slices.Contains([]string{"User", "Group", "ServicePrincipal"},
		kind) {
		p.find("principalType", "set it to User, Group or ServicePrincipal (managed identities are service principals)",
			"is %q", kind)
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
		p.find("endDate", "set endDate; endDateRelative is taken by the provider and never sent",
			"is not set, so Entra's own default applies")
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
		p.find("startDate", "set it as 2026-11-01T00:00:00Z, so that the lifetime is known", "%q is not a date", startText)
	} else if end.Sub(start) > days {
		p.find("endDate", "end it earlier, and rotate; or raise maxSecretDays", "lives for %d days; the limit is %d",
			int(end.Sub(start).Hours()/24), c.MaxSecretDays)
	}
}

func issuerOfGitHub() string {
	issuer, _, _ := signin.FederatedCredential{GitHub: &signin.GitHubSubject{}}.Claims()
	return issuer
}

var (
	// With data residency each enterprise has its own issuer below ghe.com (facts/federation.md).
	githubIssuer = regexp.MustCompile(`^(` + regexp.QuoteMeta(issuerOfGitHub()) +
		`|https://token\.actions\.[a-z0-9-]+\.ghe\.com)(/|$)`)
	// Anything else is no issuer: Entra compares every character, and tokens have hosts in lower case.
	issuerForm    = regexp.MustCompile(`^https://[a-z0-9.:-]+(/[^\s\p{C}\p{Z}]*)?$`)
	githubSubject = regexp.MustCompile(`^repo:[^:/*]+/[^:/*]+:(ref:refs/heads/[^*]+|environment:[^*]+)$`)
)

func federationSubject(r Resource, c Config, p *report) {
	if r.Kind() != Federation {
		return
	}
	issuer, issuerKnown := p.text("issuer")
	subject, known := p.text("subject")
	if known && strings.TrimSpace(subject) == "" {
		subject = ""
	}
	switch {
	case !known || slices.Contains(c.AllowedSubjects, subject) && subject != "":
	case r.Inputs["claimsMatchingExpression"] != nil:
		p.find("claimsMatchingExpression", "use a credential with one subject, or allow the expression, in full, in "+
			"allowedSubjects", "%q lets in every subject that it matches", subject)
	case subject == "":
		p.find("subject", "write the sub claim of the tokens that may sign in", "is not set")
	case strings.Contains(subject, "*"):
		p.find("subject", "write each subject in full", "%q holds a wildcard", subject)
	case issuerKnown && githubIssuer.MatchString(issuer) && !githubSubject.MatchString(subject):
		p.find("subject", "name a branch (repo:owner/name:ref:refs/heads/main) or an environment "+
			"(repo:owner/name:environment:production), or allow it in allowedSubjects", "%q is not limited to a branch or an "+
			"environment", subject)
	}
	switch {
	case !issuerKnown:
	case strings.Contains(issuer, "*"):
		p.find("issuer", "write the issuer in full", "%q holds a wildcard", issuer)
	case !issuerForm.MatchString(issuer):
		p.find("issuer", "write the iss claim of the tokens, an https address, in small letters where its host is",
			"%q is no issuer", issuer)
	case known && strings.HasPrefix(strings.ToLower(subject), "repo:") && !githubIssuer.MatchString(issuer):
		// Whoever runs an issuer can sign any subject, also one of somebody else's repository.
		p.find("issuer", "write https://token.actions.githubusercontent.com, or waive it if the issuer is your own GitHub",
			"%q is to sign for a repository of GitHub's, and is not GitHub's issuer", issuer)
	}
}

// clusterProperties returns the properties of an AmlCompute cluster; other kinds of compute run no batch jobs.
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
	if outer, is := clusterProperties(r, p); is && p.known(property, outer["disableLocalAuth"]) &&
		outer["disableLocalAuth"] != true {
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

// texts returns the known texts of a list.
func texts(list any) (all []string) {
	items, _ := list.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
