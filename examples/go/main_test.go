package main

import (
	"testing"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/accesstest"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

const workspaceID = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev/providers/" +
	"Microsoft.MachineLearningServices/workspaces/scoring-dev"

// Who may do what, under mocks: in a moment, without Azure and without Pulumi.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, deploy, accesstest.Configured(t, ".", "dev"))
	stack.Require(t, access.Assertion{Can: []string{"analysts", "pipeline"}, Start: "heart-classifier"})
	stack.Require(t, access.Assertion{Cannot: []string{"scheduler"}, Read: "patients"})
	stack.RequireCannot(t, "ServicePrincipal scoring.pipeline", "grantsAccess", workspaceID)
}

// The same in the embedded Azure: the real engine deploys the stack, and everyone starts every job.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, deploy, accesstest.Configured(t, ".", "dev"))
	report, err := rehearsal.Run(t.Context(), rehearsal.Options{
		ProjectDir: ".", Stack: "dev", Model: stack.Model(t, ""), StateDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Write(t.Output(), false); err != nil {
		t.Fatal(err)
	}
	if !report.Passed() {
		t.Error("the rehearsal failed")
	}
}
