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
		Long: `Export asks Azure for the workspace of a stack and what is in it: batch endpoints and their
deployments, compute clusters, data stores, how its own stores are opened. It asks for the storage accounts, containers,
registries, data assets and identities that the stack or the workspace refers to, and for the principals that the stack
gives by object ID: which groups they and the identities of clusters are in, and which roles they hold at all of it
already. Of a group it writes no other members. It writes JSON, so that batchaccess rehearse --world and batchaccess
sandbox --world need not guess it from the stack. It changes nothing, and writes no secret: of a data store it writes
whether it holds a credential.

` + previewHelp + `

It signs in as the deployer does (ARM_CLIENT_ID with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC;
ARM_USE_MSI; or the Azure CLI). It needs Reader on the subscription of the workspace, on the storage accounts and on the
registries, and Directory.Read.All or the role Directory Readers. What is not in Azure is not in the file; what may not
be read is an error, and nothing is written.

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

// addWorld adds the flag for what export wrote.
func addWorld(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "world", "", "file that batchaccess export wrote: what Azure has, in place of what is "+
		"guessed from the stack")
}

// readWorld reads the file of --world; nil where none is given.
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

// tenants are those that the stack's configuration and the environment name, by where they do.
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

// world reads the file of --world for all stacks of a project, which have to be of its tenant.
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
			continue // whoever reads the stack says why
		}
		if err := w.CheckTenant(tenants).Err(); err != nil {
			return nil, fmt.Errorf("--world %s, stack %s: %w", file, stack, err)
		}
	}
	return w, nil
}
