// Package signin knows how a principal that starts jobs signs in to Entra, and from where: federated credentials with
// the issuers and subjects of each provider, client secrets, and the Azure services that have a managed identity.
package signin

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/batchaccess/batchaccess/internal/cloud"
)

// A FederatedCredential lets a workload sign in with a token of its own issuer, and no secret, as a service principal
// or a managed identity that the stack makes. Give exactly one of GitHub, GitLab, AzureDevOps, Kubernetes, Terraform,
// PulumiESC, or Issuer and Subject. Issuers and subjects are those of facts/federation.md.
type FederatedCredential struct {
	// GitHub names the workflow runs of GitHub Actions that may sign in.
	GitHub *GitHubSubject `pulumi:"github,optional"`
	// GitLab names the pipelines of GitLab that may sign in.
	GitLab *GitLabSubject `pulumi:"gitlab,optional"`
	// AzureDevOps names the service connection of Azure Pipelines that may sign in.
	AzureDevOps *AzureDevOpsSubject `pulumi:"azureDevOps,optional"`
	// Kubernetes names the service account, of AKS or of another cluster, whose pods may sign in.
	Kubernetes *KubernetesSubject `pulumi:"kubernetes,optional"`
	// Terraform names the runs of HCP Terraform that may sign in.
	Terraform *TerraformSubject `pulumi:"terraform,optional"`
	// PulumiESC names the environment of Pulumi ESC that may sign in.
	PulumiESC *PulumiESCSubject `pulumi:"pulumiEsc,optional"`
	// Issuer is the https URL of any other issuer, exactly as it stands in its tokens; at most 600 characters.
	Issuer string `pulumi:"issuer,optional"`
	// Subject is the sub claim of the tokens that may sign in, exactly; at most 600 characters.
	Subject string `pulumi:"subject,optional"`
	// Audience is the aud claim. Default: api://AzureADTokenExchange; for PulumiESC azure:<organization>.
	Audience string `pulumi:"audience,optional"`
	// Description is shown in Entra; at most 600 characters. A managed identity's credential takes none.
	Description string `pulumi:"description,optional"`
	// Was is the credential's earlier name here, so that a rename replaces nothing. Entra keeps the first name.
	Was string `pulumi:"was,optional"`
}

// A GitHubSubject names runs of GitHub Actions: a repository and exactly one of Branch, Tag, Environment, PullRequest.
type GitHubSubject struct {
	// Repository as owner/name. Required.
	Repository string `pulumi:"repository"`
	// OwnerID is GitHub's number of the owner. Give it with RepositoryID for the immutable subjects that repositories made
	// or renamed since 2026-07-15 use by default; leave both out for the classic form.
	OwnerID int `pulumi:"ownerId,optional"`
	// RepositoryID is GitHub's number of the repository. Give it with OwnerID.
	RepositoryID int `pulumi:"repositoryId,optional"`
	// Branch such as main, without refs/heads/.
	Branch string `pulumi:"branch,optional"`
	// Tag such as v1, without refs/tags/.
	Tag string `pulumi:"tag,optional"`
	// Environment is a deployment environment of the repository.
	Environment string `pulumi:"environment,optional"`
	// PullRequest lets the runs of any pull request sign in.
	PullRequest bool `pulumi:"pullRequest,optional"`
	// Claims are for a repository with a customised subject: its include_claim_keys in their order. Write the keys repo
	// and context alone: they are filled in from the fields above. Write any other as key:value, with the value as it
	// is. Default: the subject is not customised.
	Claims []string `pulumi:"claims,optional"`
}

// A GitLabSubject names pipelines of a GitLab project: exactly one of Project, ProjectID, and one of Branch, Tag. The
// job's id_tokens must ask for Audience as its audience.
type GitLabSubject struct {
	// Instance is the https URL of a GitLab of your own. Default: https://gitlab.com.
	Instance string `pulumi:"instance,optional"`
	// Project is the path group/project.
	Project string `pulumi:"project,optional"`
	// ProjectID is the project's number, if the project's setting makes subjects begin with it.
	ProjectID int `pulumi:"projectId,optional"`
	// Branch such as main, without refs/heads/.
	Branch string `pulumi:"branch,optional"`
	// Tag such as v1, without refs/tags/.
	Tag string `pulumi:"tag,optional"`
}

// An AzureDevOpsSubject names a service connection of Azure Pipelines. New connections take OrganizationID, TenantID,
// EntraPrefix and ConnectionID; the old form takes OrganizationID, Organization, Project and ServiceConnection.
type AzureDevOpsSubject struct {
	// OrganizationID is the GUID of the organization. Required.
	OrganizationID string `pulumi:"organizationId"`
	// TenantID is the GUID of the Entra tenant in the connection's issuer.
	TenantID string `pulumi:"tenantId,optional"`
	// EntraPrefix is the subject that the connection shows, up to /sc/: /eid1/c/pub/t/…/a/….
	EntraPrefix string `pulumi:"entraPrefix,optional"`
	// ConnectionID is the GUID of the service connection.
	ConnectionID string `pulumi:"connectionId,optional"`
	// Organization is the organization's name; with Project and ServiceConnection, the old form.
	Organization string `pulumi:"organization,optional"`
	// Project is the project's name, for the old form.
	Project string `pulumi:"project,optional"`
	// ServiceConnection is the connection's name, never its ID. Required for the old form. With the new form,
	// howToInvoke shows it in a pipeline, which names connections.
	ServiceConnection string `pulumi:"serviceConnection,optional"`
}

// A KubernetesSubject names a service account of a Kubernetes cluster that has an OIDC issuer, such as one of AKS.
type KubernetesSubject struct {
	// Issuer is the cluster's OIDC issuer URL; that of AKS ends in a slash. Required.
	Issuer string `pulumi:"issuer"`
	// Namespace of the service account. Required.
	Namespace string `pulumi:"namespace"`
	// ServiceAccount is its name. Required.
	ServiceAccount string `pulumi:"serviceAccount"`
}

// A TerraformSubject names the runs of a workspace of HCP Terraform in one phase. A workspace that plans and applies
// takes two credentials.
type TerraformSubject struct {
	// Organization in HCP Terraform. Required.
	Organization string `pulumi:"organization"`
	// Project of the workspace. Required.
	Project string `pulumi:"project"`
	// Workspace in HCP Terraform. Required.
	Workspace string `pulumi:"workspace"`
	// RunPhase is plan or apply. Required.
	RunPhase string `pulumi:"runPhase"`
	// EU is set for an organization in HCP Europe. Default: false.
	EU bool `pulumi:"eu,optional"`
}

// A PulumiESCSubject names an environment of Pulumi ESC with the default subject, opened by a person or by the pulumi
// or esc command. Environments that a stack imports have other subjects: give issuer and subject for those.
type PulumiESCSubject struct {
	// Organization in Pulumi Cloud. Required.
	Organization string `pulumi:"organization"`
	// Project of the environment. Required.
	Project string `pulumi:"project"`
	// Environment is its name. Required.
	Environment string `pulumi:"environment"`
}

// FederatesIdentities reports whether managed identities of the region take federated credentials. Microsoft's page
// names one region where they do not (facts/federation.md, copy of autumn 2026; the older text named more).
func FederatesIdentities(region string) bool {
	return strings.ToLower(strings.ReplaceAll(region, " ", "")) != "malaysiasouth"
}

var repositoryForm = regexp.MustCompile(`^([\w.-]+)/([\w.-]+)$`)

// providers returns the keys of the providers that the credential gives.
func (f FederatedCredential) providers() (keys []string) {
	for _, one := range []struct {
		key string
		is  bool
	}{
		{"github", f.GitHub != nil}, {"gitlab", f.GitLab != nil}, {"azureDevOps", f.AzureDevOps != nil},
		{"kubernetes", f.Kubernetes != nil}, {"terraform", f.Terraform != nil}, {"pulumiEsc", f.PulumiESC != nil},
	} {
		if one.is {
			keys = append(keys, one.key)
		}
	}
	return keys
}

// Claims returns issuer, subject and audience as the tokens contain them.
func (f FederatedCredential) Claims() (issuer, subject, audience string) {
	issuer, subject, audience = f.Issuer, f.Subject, cmp.Or(f.Audience, cloud.Public().ExchangeAudience)
	switch {
	case f.GitHub != nil:
		issuer, subject = "https://token.actions.githubusercontent.com", f.GitHub.subject()
	case f.GitLab != nil:
		issuer, subject = cmp.Or(f.GitLab.Instance, "https://gitlab.com"), f.GitLab.subject()
	case f.AzureDevOps != nil:
		issuer, subject = f.AzureDevOps.claims()
	case f.Kubernetes != nil:
		k := f.Kubernetes
		issuer, subject = k.Issuer, "system:serviceaccount:"+k.Namespace+":"+k.ServiceAccount
	case f.Terraform != nil:
		t := f.Terraform
		issuer = map[bool]string{false: "https://app.terraform.io", true: "https://app.eu.terraform.io"}[t.EU]
		subject = fmt.Sprintf("organization:%s:project:%s:workspace:%s:run_phase:%s", t.Organization, t.Project,
			t.Workspace, t.RunPhase)
	case f.PulumiESC != nil:
		e := f.PulumiESC
		issuer = "https://api.pulumi.com/oidc"
		subject = fmt.Sprintf("pulumi:environments:org:%s:env:%s/%s", e.Organization, e.Project, e.Environment)
		audience = cmp.Or(f.Audience, e.audience())
	}
	return issuer, subject, audience
}

// InCloud returns the credential with the cloud's audience, unless it gives one or its issuer has its own.
func (f FederatedCredential) InCloud(audience string) FederatedCredential {
	if f.PulumiESC == nil {
		f.Audience = cmp.Or(f.Audience, audience)
	}
	return f
}

// UsualAudience returns the credential's default audience: its issuer's, or else exchange.
func (f FederatedCredential) UsualAudience(exchange string) string {
	f.Audience = ""
	_, _, usual := f.InCloud(exchange).Claims()
	return usual
}

func (g GitHubSubject) subject() string {
	repository := g.Repository
	if m := repositoryForm.FindStringSubmatch(repository); m != nil && g.OwnerID != 0 {
		repository = fmt.Sprintf("%s@%d/%s@%d", m[1], g.OwnerID, m[2], g.RepositoryID)
	}
	claims := g.Claims
	if len(claims) == 0 {
		claims = []string{"repo", "context"}
	}
	var parts []string
	for _, claim := range claims {
		switch key, value, _ := strings.Cut(claim, ":"); claim {
		case "repo":
			parts = append(parts, "repo:"+repository)
		case "context":
			parts = append(parts, g.context())
		default:
			parts = append(parts, key+":"+escapeColons(value))
		}
	}
	return strings.Join(parts, ":")
}

func (g GitHubSubject) context() string {
	switch {
	case g.Branch != "":
		return "ref:refs/heads/" + g.Branch
	case g.Tag != "":
		return "ref:refs/tags/" + g.Tag
	case g.Environment != "":
		return "environment:" + escapeColons(g.Environment)
	default:
		return "pull_request"
	}
}

// escapeColons writes a value as GitHub does in a subject, whose parts are separated by colons.
func escapeColons(value string) string { return strings.ReplaceAll(value, ":", "%3A") }

func (g GitLabSubject) subject() string {
	project := "project_path:" + g.Project
	if g.ProjectID != 0 {
		project = fmt.Sprintf("project_id:%d", g.ProjectID)
	}
	if g.Tag != "" {
		return project + ":ref_type:tag:ref:" + g.Tag
	}
	return project + ":ref_type:branch:ref:" + g.Branch
}

// old reports whether the service connection is given in the form that retires on 2027-07-01.
func (a AzureDevOpsSubject) old() bool {
	return a.Organization+a.Project != "" ||
		a.ServiceConnection != "" && a.TenantID+a.EntraPrefix+a.ConnectionID == ""
}

func (a AzureDevOpsSubject) claims() (issuer, subject string) {
	if a.old() {
		return "https://vstoken.dev.azure.com/" + a.OrganizationID,
			"sc://" + a.Organization + "/" + a.Project + "/" + a.ServiceConnection
	}
	return "https://login.microsoftonline.com/" + a.TenantID + "/v2.0",
		a.EntraPrefix + "/sc/" + a.OrganizationID + "/" + a.ConnectionID
}

func (e PulumiESCSubject) audience() string {
	if e.Project == "default" {
		return e.Organization
	}
	return "azure:" + e.Organization
}
