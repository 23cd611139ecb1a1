package azure

import (
	"errors"
	"fmt"
	"strings"
)

// A Workload is something outside Entra whose tokens come from an issuer of its own. It is described as its owner would
// describe it, not by the claims of its tokens: Claims derives those from facts/federation.md alone.
type Workload interface {
	// Claims returns the issuer and the subject of the workload's tokens. The error says what the description lacks.
	Claims() (issuer, subject string, err error)
}

// GitHubJob is a job of GitHub Actions on GitHub.com.
type GitHubJob struct {
	Repository string // owner/name
	// OwnerID and RepositoryID are set for a repository with immutable subjects.
	OwnerID, RepositoryID int
	// One of these: the environment that the job names, or else the event that it runs for.
	Environment, Branch, Tag string
	PullRequest              bool
	// Keys are the include_claim_keys of a repository with a customised subject. Values are the values of those claims,
	// except repo and context.
	Keys   []string
	Values map[string]string
	// Enterprise is the slug of an enterprise that has an issuer of its own; "" for none.
	Enterprise string
}

// Claims implements Workload. An environment wins over the event that triggered the job.
func (j GitHubJob) Claims() (issuer, subject string, err error) {
	owner, name, ok := strings.Cut(j.Repository, "/")
	if !ok || owner == "" || name == "" {
		return "", "", fmt.Errorf("a GitHub job needs a repository owner/name, not %q", j.Repository)
	}
	if (j.OwnerID == 0) != (j.RepositoryID == 0) {
		return "", "", errors.New("a GitHub repository has both an owner ID and a repository ID in its subjects, or neither")
	}
	issuer = "https://token.actions.githubusercontent.com"
	if j.Enterprise != "" {
		issuer += "/" + j.Enterprise
	}
	repository := j.Repository
	if j.OwnerID != 0 {
		repository = fmt.Sprintf("%s@%d/%s@%d", owner, j.OwnerID, name, j.RepositoryID)
	}
	if j.Keys == nil {
		context, err := j.context()
		return issuer, "repo:" + repository + ":" + context, err
	}
	for n, key := range j.Keys {
		claim := key + ":" + escaped(j.Values[key])
		switch key {
		case "repo":
			claim = "repo:" + repository
		case "context":
			if claim, err = j.context(); err != nil {
				return "", "", err
			}
		default:
			if j.Values[key] == "" {
				return "", "", fmt.Errorf("a GitHub job whose subject holds %s needs its value", key)
			}
		}
		if n > 0 {
			subject += ":"
		}
		subject += claim
	}
	return issuer, subject, nil
}

// context is the part of the subject that says what the job runs for.
func (j GitHubJob) context() (string, error) {
	switch {
	case j.Environment != "":
		return "environment:" + escaped(j.Environment), nil
	case j.PullRequest:
		return "pull_request", nil
	case j.Tag != "":
		return "ref:refs/tags/" + escaped(j.Tag), nil
	case j.Branch != "":
		return "ref:refs/heads/" + escaped(j.Branch), nil
	}
	return "", errors.New("a GitHub job has an environment, or runs for a branch, a tag or a pull request")
}

// escaped is a value in a GitHub subject, whose parts are separated by colons.
func escaped(value string) string { return strings.ReplaceAll(value, ":", "%3A") }

// GitLabJob is a job of GitLab CI/CD.
type GitLabJob struct {
	Instance    string // default https://gitlab.com
	ProjectPath string // group/project
	// ProjectID is set for a project whose subjects begin with it.
	ProjectID   int
	Branch, Tag string // one of both
}

// Claims implements Workload.
func (j GitLabJob) Claims() (issuer, subject string, err error) {
	if issuer = j.Instance; issuer == "" {
		issuer = "https://gitlab.com"
	}
	subject = "project_path:" + j.ProjectPath
	if j.ProjectID != 0 {
		subject = fmt.Sprintf("project_id:%d", j.ProjectID)
	} else if j.ProjectPath == "" {
		return "", "", errors.New("a GitLab job needs the path or the ID of its project")
	}
	switch {
	case (j.Branch == "") == (j.Tag == ""):
		return "", "", errors.New("a GitLab job runs for a branch or for a tag")
	case j.Tag != "":
		return issuer, subject + ":ref_type:tag:ref:" + j.Tag, nil
	}
	return issuer, subject + ":ref_type:branch:ref:" + j.Branch, nil
}

// ServiceAccount is a pod of AKS, or of any other Kubernetes cluster that has an issuer.
type ServiceAccount struct {
	Issuer          string // the cluster's OIDC issuer URL, with its final slash
	Namespace, Name string
}

// Claims implements Workload.
func (s ServiceAccount) Claims() (issuer, subject string, err error) {
	if s.Issuer == "" || s.Namespace == "" || s.Name == "" {
		return "", "", errors.New("a Kubernetes service account needs the cluster's issuer, a namespace and a name")
	}
	return s.Issuer, "system:serviceaccount:" + s.Namespace + ":" + s.Name, nil
}

// ServiceConnection is a service connection of Azure Pipelines whose issuer is Azure DevOps; this form retires on
// 2027-07-01.
type ServiceConnection struct{ OrganizationID, Organization, Project, Name string }

// Claims implements Workload.
func (s ServiceConnection) Claims() (issuer, subject string, err error) {
	if s.OrganizationID == "" || s.Organization == "" || s.Project == "" || s.Name == "" {
		return "", "", errors.New("a service connection needs its organization's ID and name, its project and its own name")
	}
	return "https://vstoken.dev.azure.com/" + s.OrganizationID, "sc://" + s.Organization + "/" + s.Project + "/" +
		s.Name, nil
}

// EntraConnection is a service connection of Azure Pipelines whose issuer is Entra: the form of new ones. Prefix is the
// part of its subject before /sc/, as the connection's page shows it.
type EntraConnection struct{ Tenant, Prefix, OrganizationID, ID string }

// Claims implements Workload.
func (c EntraConnection) Claims() (issuer, subject string, err error) {
	if c.Tenant == "" || c.Prefix == "" || c.OrganizationID == "" || c.ID == "" {
		return "", "", errors.New("a service connection with Entra's issuer needs a tenant, its prefix, its organization's " +
			"ID and its own")
	}
	return "https://login.microsoftonline.com/" + c.Tenant + "/v2.0",
		fmt.Sprintf("%s/sc/%s/%s", c.Prefix, c.OrganizationID, c.ID), nil
}

// TerraformRun is a run of HCP Terraform.
type TerraformRun struct {
	EU                                      bool
	Organization, Project, Workspace, Phase string // Phase is plan or apply
}

// Claims implements Workload.
func (r TerraformRun) Claims() (issuer, subject string, err error) {
	if r.Organization == "" || r.Project == "" || r.Workspace == "" || r.Phase != "plan" && r.Phase != "apply" {
		return "", "", errors.New("a run of HCP Terraform needs an organization, a project, a workspace, and a " +
			"phase: plan or apply")
	}
	issuer = "https://app.terraform.io"
	if r.EU {
		issuer = "https://app.eu.terraform.io"
	}
	return issuer, fmt.Sprintf("organization:%s:project:%s:workspace:%s:run_phase:%s", r.Organization, r.Project,
		r.Workspace, r.Phase), nil
}

// ESCEnvironment is an environment of Pulumi ESC that a person or `pulumi env` opens.
type ESCEnvironment struct{ Organization, Project, Environment string }

// Claims implements Workload.
func (e ESCEnvironment) Claims() (issuer, subject string, err error) {
	if e.Organization == "" || e.Project == "" || e.Environment == "" {
		return "", "", errors.New("an ESC environment needs an organization, a project and a name")
	}
	return "https://api.pulumi.com/oidc", fmt.Sprintf("pulumi:environments:org:%s:env:%s/%s", e.Organization,
		e.Project, e.Environment), nil
}

// Audience is the audience that the environment asks for by default.
func (e ESCEnvironment) Audience() string {
	if e.Project == "default" {
		return e.Organization
	}
	return "azure:" + e.Organization
}

// WorkloadAssertion is the token that the workload's issuer signs for an audience. The token endpoint takes it as
// client_assertion, for ten minutes and in this run only.
func (a *Azure) WorkloadAssertion(w Workload, audience string) (string, error) {
	issuer, subject, err := w.Claims()
	if err != nil {
		return "", err
	}
	return a.FederatedAssertion(issuer, subject, audience)
}
