package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/estate"
	"github.com/batchaccess/batchaccess/internal/world"
)

func newExport() *cobra.Command {
	var from source
	var form form
	var to output
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what Azure has of what a stack refers to, for --world of rehearse and sandbox",
		Long: `Export asks Azure for the workspace of a stack and its content: batch endpoints and their
deployments, compute clusters, data stores, how its own stores are opened. It asks for the storage accounts, containers,
registries, data assets and identities that the stack or the workspace refers to. It asks for the principals that the
stack gives by object ID: which groups they and the identities of clusters are in, and which roles they hold already.
It writes no other members of a group. The file is JSON; with it batchaccess rehearse --world and batchaccess sandbox
--world need not guess these things from the stack. Export changes nothing, and writes no secret: for a data store it
writes whether it holds a credential.

` + previewHelp + `

It signs in as the deployer does (ARM_CLIENT_ID with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC;
ARM_USE_MSI; or the Azure CLI). It needs Reader on the subscription of the workspace, on the storage accounts and on the
registries, and Directory.Read.All or the role Directory Readers. What is not in Azure is not in the file. If
it may not read something, it reports an error and writes nothing.

It exits with 0 if it has written the file, and with 2 if it can't ask or may not write.`,
		Example: `  batchaccess export --stack dev --output dev.world.json
  batchaccess rehearse --stack dev --world dev.world.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := form.check(); err != nil {
				return err
			}
			stack, err := from.open(cmd)
			if err != nil {
				return err
			}
			part, err := stack.narrow(from.component)
			if err != nil {
				return err
			}
			m := part.Plan.Model
			client, err := asDeployer(cmd, m.Environment)
			if err != nil {
				return err
			}
			shown := newProgress(cmd.ErrOrStderr())
			shown.Step("asking Azure")
			w, err := estate.Export(cmd.Context(), client, m)
			shown.done()
			if err != nil {
				return fmt.Errorf("can't export: %v", err)
			}
			return to.print(cmd, "world", func(out io.Writer) error { return w.Write(out) })
		},
	}
	from.flags(cmd)
	componentFlag(cmd, &from.component)
	form.flags(cmd, "json")
	to.flags(cmd)
	return cmd
}

// addWorld adds the flag for a file that export wrote.
func addWorld(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "world", "", "file that batchaccess export wrote: what Azure has, instead of a guess "+
		"from the stack")
}

// readWorld reads the file of --world; nil if none is given.
func readWorld(cmd *cobra.Command, file string) (*world.World, error) {
	if !cmd.Flags().Changed("world") {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--world: %v; write one with batchaccess export", err)
	}
	w, err := world.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("--world %s: %w", file, err)
	}
	return w, nil
}

// tenants returns the tenants in the stack's configuration and in the environment, by where they are.
func (p project) tenants(stack string) (map[string]string, error) {
	all := map[string]string{"ARM_TENANT_ID": os.Getenv("ARM_TENANT_ID")}
	_, values, err := config.ReadProject(p.dir, stack)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"azure-native:tenantId", "azuread:tenantId"} {
		if id, is := values[key].(string); is {
			all[key] = id
		}
	}
	return all, nil
}

// world reads the file of --world for all stacks of a project, which have to be in its tenant.
func (p project) world(cmd *cobra.Command, file string) (*world.World, error) {
	w, err := readWorld(cmd, file)
	if w == nil {
		return nil, err
	}
	stacks, err := p.stacks()
	if err != nil {
		return nil, err
	}
	for _, stack := range stacks {
		tenants, err := p.tenants(stack)
		if err != nil {
			continue // the error is reported when the stack is read
		}
		if err := w.CheckTenant(tenants).Err(); err != nil {
			return nil, fmt.Errorf("--world %s, stack %s: %w", file, stack, err)
		}
	}
	return w, nil
}
