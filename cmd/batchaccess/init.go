package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/estate"
	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/internal/wholefile"
)

var stackName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func newInit() *cobra.Command {
	var stack, dir, workspace string
	var form form
	var yes, force bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write the first stack file of a workspace whose access was granted by hand",
		Long: `Init asks Azure for the batch endpoints, deployments, clusters and data stores of a workspace, and
for the roles that principals have there and on the storage accounts. It prints the stack file that grants exactly
these. With --yes it writes the file beside Pulumi.yaml. Then batchaccess adopt imports the assignments with their
present names and descriptions, and pulumi preview shows no changed resource: only the stack's outputs are new. Init
changes nothing in Azure.

A stack has one role for its invokers: init takes the one that most principals have at the workspace, its resource group
or its subscription; Owner and Contributor come last. Comments in the file list other assignments that let somebody
start jobs or reach the data, for you to remove. Comments also list what a stack can't express: other computes, data
stores with a credential (nothing is granted for them), assignments with conditions. Azure does not know which data a
job reads, because that is given when the job is started: an endpoint gets the data stores that its clusters and most
invokers may read.

It signs in as the deployer does (ARM_CLIENT_ID with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC;
ARM_USE_MSI; or the Azure CLI). It needs Reader on the subscription and on the storage accounts' resource groups, and
Directory.Read.All or the role Directory Readers. If it may not read something, it reports an error and
writes nothing.

It exits with 0 if it has written the file, with 1 if it would write it with --yes, and with 2 if it can't ask or may
not write.`,
		Example: `  batchaccess init --stack prod --workspace /subscriptions/<id>/resourceGroups/<group>/providers/` +
			`Microsoft.MachineLearningServices/workspaces/<name>
  batchaccess init --stack prod --workspace "$ID" --yes
  pulumi stack init prod && batchaccess adopt --stack prod --yes && pulumi preview --stack prod --expect-no-changes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := form.check(); err != nil {
				return err
			}
			p, err := openProject(dir)
			if err != nil {
				return err
			}
			var wrong error
			if !stackName.MatchString(stack) {
				wrong = fmt.Errorf("--stack: %q names no stack; name the one to write, such as --stack prod", stack)
			}
			if _, err := arm.Parse(workspace, arm.Workspace); err != nil {
				wrong = errors.Join(wrong, problem.Of(err).At("--workspace"))
			}
			file := filepath.Join(p.dir, "Pulumi."+stack+".yaml")
			if err := mayInit(file, force); err != nil {
				wrong = errors.Join(wrong, err)
			}
			if wrong != nil {
				return wrong
			}
			environment := os.Getenv("ARM_ENVIRONMENT")
			client, err := asDeployer(cmd, environment)
			if err != nil {
				return err
			}
			shown := newProgress(cmd.ErrOrStderr())
			shown.Step("asking Azure")
			found, err := estate.Read(cmd.Context(), client, workspace)
			shown.done()
			if err != nil {
				return fmt.Errorf("can't ask Azure: %v", err)
			}
			made, err := found.Stack()
			if err != nil {
				return err
			}
			text := made.YAML(p.name, environment)
			if form.format == "json" {
				err = jsonform.Write(cmd.OutOrStdout(), initForm{jsonVersion, stack, file, yes, string(text), made.Missing,
					made.NotKept,
					made.Left})
			} else if !yes {
				_, err = cmd.OutOrStdout().Write(text)
			}
			if err != nil {
				return err
			}
			if !yes {
				fmt.Fprintf(cmd.ErrOrStderr(), "nothing is written yet; add --yes to write %s\n", file)
				return errFailed
			}
			if err := wholefile.Write(file, signed(text)); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s: %s, %s; to tighten: %d; not in it: %d; next:\n"+
				"  batchaccess adopt --stack %s --yes\n", file, visible.Counted(len(made.Model.Invokers), "invoker"),
				visible.Counted(len(made.Model.Endpoints), "endpoint"),
				len(made.NotKept), len(made.Left), stack)
			return nil
		},
	}
	cmd.Flags().StringVar(&workspace, "workspace", "", "ARM ID of the workspace (required)")
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "stack whose file is written (required)")
	cmd.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "write the file")
	form.flags(cmd, "yaml", "json")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite a file that batchaccess init did not write, or that was "+
		"edited")
	return cmd
}

// initForm is init's JSON.
type initForm struct {
	Version int      `json:"version"`
	Stack   string   `json:"stack"`
	File    string   `json:"file"`    // the stack's file
	Write   bool     `json:"write"`   // the file is written (--yes)
	Text    string   `json:"text"`    // the file's text
	Missing []string `json:"missing"` // what pulumi up would make
	Tighten []string `json:"tighten"` // what Azure grants and the file does not keep
	Left    []string `json:"left"`    // what can't be expressed
}

const initMark = "# batchaccess init "

// signed returns the text with a first line that shows whether somebody has edited it since.
func signed(text []byte) []byte {
	return append(fmt.Appendf(nil, "%s%x\n", initMark, sha256.Sum256(text)), text...)
}

// mayInit refuses to overwrite what somebody wrote.
func mayInit(file string, force bool) error {
	there, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && force:
		return nil
	case err != nil:
		return err
	}
	if _, text, is := bytes.Cut(there, []byte("\n")); is && bytes.Equal(there, signed(text)) {
		return nil
	}
	return fmt.Errorf("%s is there, and is not what batchaccess init wrote; name another stack, or say --force to write "+
		"over it", file)
}
