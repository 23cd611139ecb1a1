package signin

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// maxFederatedText is Entra's limit of issuer, subject, audience and description each (facts/federation.md, Rules).
const maxFederatedText = 600

// A part is one text of a credential that its tokens contain.
type part struct {
	key, value string
	required   bool
}

// A validator finds everything that is wrong with a credential.
type validator struct{ problem.List }

// Problems returns what is wrong with the credential; the paths are names of its own fields.
func (f FederatedCredential) Problems() problem.List {
	var v validator
	v.federated("", f)
	return v.List
}

// federated checks a federated credential.
func (v *validator) federated(path string, f FederatedCredential) {
	given := f.providers()
	raw := f.Issuer != "" || f.Subject != ""
	switch {
	case len(given) > 1:
		v.Add(path, "keep one, and make a credential of each other", "gives %s", strings.Join(given, " and "))
	case len(given) == 1 && raw:
		v.Add(path, "keep "+given[0]+", or issuer and subject", "gives both %s and issuer or subject", given[0])
	}
	before := len(v.List)
	switch {
	case f.GitHub != nil:
		v.github(path+".github", *f.GitHub)
	case f.GitLab != nil:
		v.gitlab(path+".gitlab", *f.GitLab)
	case f.AzureDevOps != nil:
		v.azureDevOps(path+".azureDevOps", *f.AzureDevOps)
	case f.Kubernetes != nil:
		v.kubernetes(path+".kubernetes", *f.Kubernetes)
	case f.Terraform != nil:
		at, t := path+".terraform", f.Terraform
		v.parts(at, part{"organization", t.Organization, true}, part{"project", t.Project, true},
			part{"workspace", t.Workspace, true})
		v.noColons(at, part{"organization", t.Organization, true}, part{"project", t.Project, true},
			part{"workspace", t.Workspace, true})
		v.OneOf("", at+".runPhase", t.RunPhase, []string{"plan", "apply"})
	case f.PulumiESC != nil:
		at, e := path+".pulumiEsc", f.PulumiESC
		all := []part{{"organization", e.Organization, true}, {"project", e.Project, true},
			{"environment", e.Environment, true}}
		v.parts(at, all...)
		v.noColons(at, all...)
	default:
		v.https(path+".issuer", f.Issuer, "write the https URL that stands in the tokens, or give one of github, gitlab, "+
			"azureDevOps, kubernetes, terraform, pulumiEsc")
		if f.Subject == "" {
			v.Add(path+".subject", "write the sub claim of the tokens that may sign in", "is missing")
		}
		v.parts(path, part{key: "issuer", value: f.Issuer}, part{key: "subject", value: f.Subject})
		v.nearIssuer(path, f.Issuer)
	}
	v.parts(path, part{key: "audience", value: f.Audience})
	if len(v.List) > before {
		return // a text may be too long only because it is wrong
	}
	issuer, subject, audience := f.Claims()
	for _, one := range []part{
		{key: "issuer", value: issuer}, {key: "subject", value: subject}, {key: "audience", value: audience},
		{key: "description", value: f.Description},
	} {
		if n := utf8.RuneCountInString(one.value); n > maxFederatedText {
			at := path + "." + one.key
			if len(given) > 0 && (one.key == "issuer" || one.key == "subject") {
				at = path + "." + given[0]
			}
			v.Add(at, "shorten it", "makes the %s %d characters long, and Entra allows %d", one.key, n, maxFederatedText)
		}
	}
	if f.AzureDevOps != nil && f.AzureDevOps.old() {
		v.Warn("", path+".azureDevOps", "convert the service connection, and give tenantId, entraPrefix and connectionId",
			"has the issuer of Azure DevOps, which retires on 2027-07-01") // facts/federation.md
	}
}

// nearIssuer refuses an issuer that differs from one of the sheet's only by a slash or letter case. Entra compares
// every character, so nobody could sign in by it (facts/federation.md).
func (v *validator) nearIssuer(path, issuer string) {
	plain := func(text string) string { return strings.ToLower(strings.TrimRight(text, "/")) }
	for _, known := range []FederatedCredential{{GitHub: &GitHubSubject{}}, {GitLab: &GitLabSubject{}},
		{Terraform: &TerraformSubject{}}, {Terraform: &TerraformSubject{EU: true}}, {PulumiESC: &PulumiESCSubject{}}} {
		if is, _, _ := known.Claims(); is != issuer && plain(is) == plain(issuer) {
			v.Add(path+".issuer", "write "+is+", or "+known.providers()[0], "%q is not what stands in the tokens", issuer)
		}
	}
}

// parts checks texts of a token. Entra compares every character, and knows no wildcards.
func (v *validator) parts(path string, all ...part) {
	for _, one := range all {
		at := path + "." + one.key
		switch {
		case one.value == "" && one.required:
			v.Add(at, "write it as it stands in the tokens", "is missing")
		case strings.Contains(one.value, "*"):
			v.Add(at, "write each in full, in a credential of its own: Entra compares it letter by letter",
				"%q holds a wildcard", one.value)
		case strings.TrimSpace(one.value) != one.value || strings.ContainsAny(one.value, "\n\r\t"):
			v.Add(at, "take it out", "%q has white space that no token has", one.value)
		}
	}
}

// noColons checks texts that stand between colons in a subject. With a colon in one of them, another workload could
// have the same subject.
func (v *validator) noColons(path string, all ...part) {
	for _, one := range all {
		if strings.ContainsAny(one.value, ":/") {
			v.Add(path+"."+one.key, "write the name alone", "%q holds a colon or a slash, which no such name has", one.value)
		}
	}
}

func (v *validator) https(path, url, fix string) {
	if !strings.HasPrefix(url, "https://") {
		v.Add(path, fix, "%q is not an https URL", url)
	}
}

// refs checks a branch and a tag.
func (v *validator) refs(path, branch, tag string) {
	v.parts(path, part{key: "branch", value: branch}, part{key: "tag", value: tag})
	for _, ref := range []struct{ key, value, prefix string }{
		{"branch", branch, "refs/heads/"}, {"tag", tag, "refs/tags/"},
	} {
		switch name, whole := strings.CutPrefix(ref.value, ref.prefix); {
		case whole:
			v.Add(path+"."+ref.key, "write "+name, "%q has %s before its name, which is no part of it here",
				ref.value, ref.prefix)
		case strings.HasPrefix(ref.value, "refs/"):
			v.Add(path+"."+ref.key, "write the name of a "+ref.key+" alone", "%q is a ref of another kind", ref.value)
		}
	}
}

func count(all ...bool) (n int) {
	for _, is := range all {
		if is {
			n++
		}
	}
	return n
}

func (v *validator) github(path string, g GitHubSubject) {
	if !repositoryForm.MatchString(g.Repository) || strings.HasSuffix(g.Repository, ".git") {
		v.Add(path+".repository", "write owner/name", "%q is not a repository", g.Repository)
	}
	if (g.OwnerID == 0) != (g.RepositoryID == 0) || g.OwnerID < 0 || g.RepositoryID < 0 {
		v.Add(path, "give both, as `gh api repos/<owner>/<name> --jq '.owner.id, .id'` prints them, or neither",
			"an immutable subject takes ownerId and repositoryId")
	}
	v.refs(path, g.Branch, g.Tag)
	v.parts(path, part{key: "environment", value: g.Environment})
	runs := count(g.Branch != "", g.Tag != "", g.Environment != "", g.PullRequest)
	if !v.githubClaims(path, g, runs) && runs != 1 {
		v.Add(path, "give one of branch, tag, environment, pullRequest", "names %d kinds of runs", runs)
	}
}

var claimForm = regexp.MustCompile(`^[a-z][a-z0-9_]*:.+$`)

// githubClaims checks a customised subject. noContext is set if the subject does not say what the job runs for.
func (v *validator) githubClaims(path string, g GitHubSubject, runs int) (noContext bool) {
	if g.Claims == nil {
		return false
	}
	if len(g.Claims) == 0 {
		v.Add(path+".claims", "name the include_claim_keys of the repository, or leave it out", "is empty")
		return false
	}
	if g.OwnerID != 0 {
		v.Add(path+".claims", "give issuer and subject as they stand in a token", "goes with ownerId and repositoryId, "+
			"and it is not known whether GitHub writes those IDs into a customised subject")
	}
	seen := map[string]bool{}
	for n, claim := range g.Claims {
		at := fmt.Sprintf("%s.claims[%d]", path, n)
		key, _, _ := strings.Cut(claim, ":")
		alone := claim == "repo" || claim == "context"
		switch {
		case seen[key]:
			v.Add(at, "keep one of the two", "names %s a second time", key)
		case !alone && (key == "repo" || key == "context"):
			v.Add(at, "write "+key+" alone", "%q gives a value, which stands in the other fields", claim)
		case !alone && !claimForm.MatchString(claim):
			v.Add(at, "write repo, context, or key:value, such as job_workflow_ref:o/r/.github/workflows/w.yml@refs/heads/main",
				"%q is not a claim", claim)
		}
		seen[key] = true
		v.parts(path, part{key: fmt.Sprintf("claims[%d]", n), value: claim})
	}
	if !seen["context"] && runs > 0 {
		v.Add(path+".claims", "add context, or leave out branch, tag, environment and pullRequest",
			"has no context, so what a job runs for is no part of the subject")
	}
	return !seen["context"]
}

var projectPathForm = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+$`)

func (v *validator) gitlab(path string, g GitLabSubject) {
	if g.Instance != "" {
		v.https(path+".instance", g.Instance, "write the https URL of your GitLab, or leave it out for gitlab.com")
		v.parts(path, part{key: "instance", value: g.Instance})
	}
	switch {
	case (g.Project == "") == (g.ProjectID == 0):
		v.Add(path, "give project, or projectId where the project's subjects begin with it",
			"names %s project", map[bool]string{true: "no", false: "twice a"}[g.Project == ""])
	case g.ProjectID < 0:
		v.Add(path+".projectId", "write the number that GitLab shows", "%d is not a project", g.ProjectID)
	case g.Project != "" && !projectPathForm.MatchString(g.Project) || strings.HasSuffix(g.Project, ".git"):
		v.Add(path+".project", "write group/project", "%q is not the path of a project", g.Project)
	}
	v.refs(path, g.Branch, g.Tag)
	if n := count(g.Branch != "", g.Tag != ""); n != 1 {
		v.Add(path, "give one of branch, tag", "names %d kinds of pipelines", n)
	}
}

var entraPrefixForm = regexp.MustCompile(`^/eid1/c/[a-z]+/t/[A-Za-z0-9_-]+/a/[A-Za-z0-9_-]+$`)

func (v *validator) azureDevOps(path string, a AzureDevOpsSubject) {
	guid := func(key, value string) {
		if !arm.IsGUID(value) {
			v.Add(path+"."+key, "write the GUID that Azure DevOps shows", "%q is not a GUID", value)
		}
	}
	guid("organizationId", a.OrganizationID)
	if arm.IsGUID(a.ServiceConnection) { // old subjects and pipelines have the name (facts/federation.md)
		v.Add(path+".serviceConnection", "write its name; the ID goes into connectionId, with tenantId and entraPrefix",
			"%q is the ID of a service connection, not its name", a.ServiceConnection)
		if a.Organization+a.Project+a.TenantID+a.ConnectionID == "" { // it is not known which form was meant
			return
		}
	}
	if !a.old() {
		v.parts(path, part{"serviceConnection", a.ServiceConnection, false})
		guid("tenantId", a.TenantID)
		guid("connectionId", a.ConnectionID)
		if !entraPrefixForm.MatchString(a.EntraPrefix) {
			v.Add(path+".entraPrefix", "copy the subject that the service connection shows, up to /sc/",
				"%q is not of the form /eid1/c/pub/t/…/a/…", a.EntraPrefix)
		}
		return
	}
	if a.TenantID+a.EntraPrefix+a.ConnectionID != "" {
		v.Add(path, "keep tenantId, entraPrefix and connectionId, or organization, project and serviceConnection",
			"mixes the new form with the old one")
	}
	all := []part{{"organization", a.Organization, true}, {"project", a.Project, true},
		{"serviceConnection", a.ServiceConnection, true}}
	v.parts(path, all...)
	for _, one := range all {
		if strings.Contains(one.value, "/") {
			v.Add(path+"."+one.key, "write the name alone", "%q holds a slash, which parts the subject", one.value)
		}
	}
}

var kubernetesForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

func (v *validator) kubernetes(path string, k KubernetesSubject) {
	v.https(path+".issuer", k.Issuer, "write the cluster's OIDC issuer URL (az aks show --query "+
		"oidcIssuerProfile.issuerUrl)")
	v.parts(path, part{key: "issuer", value: k.Issuer})
	// Hosts of AKS' issuers, as Microsoft's AKS documentation on workload identity shows them.
	if strings.Contains(k.Issuer, ".oic.prod-aks.azure.com/") && !strings.HasSuffix(k.Issuer, "/") {
		v.Add(path+".issuer", "write the slash at its end, which stands in the tokens", "%q is an issuer of AKS without one",
			k.Issuer)
	}
	for _, one := range []part{{"namespace", k.Namespace, true}, {"serviceAccount", k.ServiceAccount, true}} {
		before := len(v.List)
		v.parts(path, one)
		if len(v.List) == before && !kubernetesForm.MatchString(one.value) {
			v.Add(path+"."+one.key, "use lower-case letters, digits, hyphens and dots", "%q is no name in Kubernetes",
				one.value)
		}
	}
}
