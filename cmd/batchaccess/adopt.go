package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// adoptionRounds is more than any stack takes: a round for each thing that the place of the next one depends on, and
// one to settle each.
const adoptionRounds = 20

func newAdopt() *cobra.Command {
	var stack, dir string
	var to, imports output
	var imported, forget []string
	var form form
	var yes bool
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Find what a stack would make and exists already, and import it",
		Long: `Adopt looks in Azure for everything that pulumi up would create: the role, its assignments, clusters,
identities, applications and what they hold. What stands there already, from a state that was lost or another tool,
would stop the deployment or be made twice. Adopt writes it, with the components that it lies in, to a file for pulumi
import, or with --yes imports it. It changes nothing in Azure.

Where a deployment was broken off in the middle, it takes that up first, so that the next pulumi up neither makes a
thing twice nor stops at "cannot create already existing resource". What was made goes into the state, also in the
place of what it replaces; a client secret that nobody knows any more, and an application that was made again since,
are removed. Where the stack is still locked, run pulumi cancel first.

Without --yes it only says what it would do, and writes nothing but a new file.

Each resource is one of these:

  exists   stands where the stack would make it, and is imported: whose it is stands behind it, by the mark of
           assignments, applications and groups, for clusters and identities by what they are granted
  new      nothing stands there: pulumi up makes it
  alike    new, and an application of the same display name is named; only those with the stack's own tag are adopted
  later    where it would stand depends on another one, such as an assignment's name on the ID of its principal
  lost     a client secret: nobody knows it any more, so pulumi up makes another; delete the old one when nobody uses it
  taken    something else is in its way, and pulumi up would fail: the same assignment under another name, another role
           or credential that claims what is unique, another kind of compute; or an application has the stack's tag and
           another owner than whoever deploys; or another stack made it; or the state has it already, under another
           name, as another type, or to be deleted; or the program makes it twice. Adopt never imports, replaces or
           deletes that, for it is somebody's: an assignment can't be renamed, and to replace one is to withdraw it for
           minutes
  several  more than one could be it
  unknown  nobody here knows how to look for one of its type

Since places depend on one another, importing goes in rounds. An import also writes what the provider makes of Azure's
answer into the state, such as scopes without their first slash, for which Pulumi would replace roles and assignments.
So after each import adopt says it in the program's words. --yes does all of it; by hand it is adopt, pulumi import, and
again adopt with --imported and --yes, until it exits with 0; don't run pulumi up in between. What really is otherwise
than the program says is left as it is: pulumi preview shows it, and the stack's outputs, which are no resources, as
new. Once nothing else is left to make, components that have nothing in them are imported too, which is nothing in
Azure.

It signs in as the deployer does (ARM_CLIENT_ID with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC;
ARM_USE_MSI; or the Azure CLI), and needs Reader on the scopes, for
applications Application.Read.All, and for groups Group.Read.All.

It exits with 0 if nothing is left to import; with 1 if something is, or is taken, several or unknown, or stays later
since pulumi up would change what it depends on; with 2 if it can't look or import.`,
		Example: `  batchaccess adopt --stack dev --yes && pulumi preview --stack dev

  # by hand, the last two again until adopt exits with 0
  batchaccess adopt --stack dev --import-file import.json
  pulumi import --stack dev --file import.json --protect=false --generate-code=false
  batchaccess adopt --stack dev --imported import.json --yes --import-file import.json

  # after a deployment that was killed
  pulumi cancel --stack dev
  batchaccess adopt --stack dev --yes && pulumi up --stack dev`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := form.check(); err != nil {
				return err
			}
			imports.force = to.force
			if cmd.Flags().Changed("import-file") {
				if err := mayWriteImports(imports, imported); err != nil {
					return err // before anything is asked or done
				}
			}
			p, stack, err := openStack(dir, stack)
			if err != nil {
				return err
			}
			var files [][]byte
			for _, name := range imported {
				file, err := os.ReadFile(name)
				if err != nil {
					return fmt.Errorf("--imported: %w", err)
				}
				files = append(files, file)
			}
			pulumi, err := findPreviewer(ctx, p, stack, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			finder, err := newFinder(cmd, p.dir, stack)
			if err != nil {
				return err
			}
			ready, err := pulumi.takeUp(cmd, finder, forget, yes, form.format == "json")
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			if !ready {
				return errFailed
			}
			a, err := pulumi.adopt(ctx, finder, files, yes, yes && !cmd.Flags().Changed("import-file"))
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			err = to.print(cmd, "adoption", func(w io.Writer) error { return tellAdoption(w, a, form.format == "json") })
			if err != nil {
				return err
			}
			return finishAdoption(cmd.ErrOrStderr(), a, imports, stack, imported)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "stack that adopts (default: the only one)")
	cmd.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().StringVar(&imports.file, "import-file", "import.json", "file to write for pulumi import --file")
	to.flags(cmd)
	cmd.Flags().StringSliceVar(&imported, "imported", nil,
		"file that pulumi import was given: say what it imported in the program's words")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false,
		"do it: take up what was broken off, and import, round by round; with --import-file, write a file to import")
	cmd.Flags().StringSliceVar(&forget, "forget", nil,
		"URN of a creation that was broken off, of a type that adopt can't "+
			"look for, and that was not made or is deleted again")
	form.flags(cmd, "table", "json")
	return cmd
}

// adopt looks for what the stack would create, after it has settled what the files imported, where it may write the
// state. With do it imports that too, round by round until nothing is left.
func (p pulumiOf) adopt(
	ctx context.Context, finder *adopt.Finder, files [][]byte, write, do bool,
) (a adopt.Adoption, err error) {
	for range adoptionRounds {
		preview, placeholders, err := p.preview(ctx)
		if err != nil {
			return a, err
		}
		imported, err := adopt.Imported(preview, files...)
		if err != nil {
			return a, err
		}
		state, err := p.state(ctx)
		if err != nil {
			return a, err
		}
		if changed, err := p.settle(ctx, state, preview, imported, write); err != nil {
			return a, err
		} else if changed > 0 && !write {
			fmt.Fprintf(p.Stderr, "%d resources that were imported are to be said in the program's words: that writes the "+
				"state, and nothing is done yet; say --yes to do it\n", changed)
			return a, errFailed
		} else if changed > 0 {
			continue // what follows from it is known only now
		}
		if a, err = finder.Adopt(ctx, preview, state, placeholders,
			os.Getenv("ARM_SUBSCRIPTION_ID")); err != nil || !do || a.File == nil {
			return a, err
		}
		fmt.Fprintf(p.Stderr, "importing %d resources, and the components around them\n", a.Count(adopt.Exists))
		if err := p.importFile(ctx, a.File); err != nil {
			return a, err
		}
		files = append(files, a.File)
	}
	return a, fmt.Errorf("after %d rounds there is still something to import or to settle; run pulumi preview to see "+
		"what changes each time", adoptionRounds)
}

// preview previews the stack, and gives Pulumi's file for an import of all that would be created.
func (p pulumiOf) preview(ctx context.Context) (preview engine.Preview, placeholders []byte, err error) {
	dir, err := os.MkdirTemp("", "batchaccess-adopt-") // 0700
	if err != nil {
		return preview, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "import.json")
	out, err := p.Preview(ctx, "--import-file", file)
	if err != nil {
		return preview, nil, err
	}
	if preview, err = engine.Read(bytes.NewReader(out)); err == nil {
		err = preview.Whole()
	}
	if err != nil {
		return preview, nil, err
	}
	if placeholders, err = os.ReadFile(file); err != nil {
		return preview, nil, fmt.Errorf("pulumi preview --import-file wrote nothing: %w", err)
	}
	return preview, placeholders, nil
}

// state is the stack's.
func (p pulumiOf) state(ctx context.Context) (s adopt.State, err error) {
	var said bytes.Buffer
	quiet := p
	quiet.Stderr = io.MultiWriter(p.Stderr, &said)
	export, err := quiet.Run(ctx, nil, "stack", "export")
	switch {
	case err != nil && strings.Contains(said.String(), "no stack named"):
		return s, fmt.Errorf("it does not exist; make it, empty, with pulumi stack init %s, and adopt again", p.Stack)
	case err != nil:
		return s, err
	}
	return adopt.ReadState(export)
}

// settle has the state say what was imported in the program's words, if it may be written.
func (p pulumiOf) settle(
	ctx context.Context, state adopt.State, preview engine.Preview, imported []string, write bool,
) (changed int, err error) {
	if len(imported) == 0 {
		return 0, nil
	}
	settled, changed, err := state.Settled(preview, imported)
	if err != nil || changed == 0 || !write {
		return changed, err
	}
	if _, err := p.Run(ctx, settled, "stack", "import"); err != nil {
		return 0, err
	}
	return changed, nil
}

// importFile imports what was found. Nothing of it is protected that the program does not protect.
func (p pulumiOf) importFile(ctx context.Context, content []byte) error {
	file, err := os.CreateTemp("", "batchaccess-import-*.json") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if _, err = p.Run(ctx, nil, "import", "--file", file.Name(), "--yes", "--skip-preview", "--protect=false",
		"--generate-code=false"); err != nil {
		return fmt.Errorf("%w\nwhat it imported stays imported: put this right, and adopt again", err)
	}
	return nil
}

// adoptionForm is what adopt prints as JSON.
type adoptionForm struct {
	Version int `json:"version"`
	adopt.Adoption
}

func tellAdoption(w io.Writer, a adopt.Adoption, asJSON bool) error {
	if asJSON {
		return jsonform.Write(w, adoptionForm{jsonVersion, a})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range a.Resources {
		what := string(r.Outcome) + "\t" + resource.URN(r.URN).Name() + "\t" + r.Type
		for _, id := range r.IDs {
			line := what + "\t" + id
			if r.Owner != "" {
				line += "\towner: " + r.Owner
			}
			fmt.Fprintln(t, line)
		}
		if len(r.IDs) == 0 {
			fmt.Fprintln(t, what)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range a.Resources {
		if r.Why != "" {
			fmt.Fprintf(w, "\n%s: %s\n", resource.URN(r.URN).Name(), r.Why)
		}
	}
	return nil
}

// mayWriteImports refuses to lose a file. One that adopt made is told from others only by --imported: what it lists may
// still have to be settled.
func mayWriteImports(to output, imported []string) error {
	there, err := os.Stat(to.file)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && to.force:
		return nil
	case err != nil:
		return err
	}
	for _, name := range imported {
		if one, err := os.Stat(name); err == nil && os.SameFile(one, there) {
			return nil
		}
	}
	return fmt.Errorf("--import-file: %s is there already; name another file, name it with --imported if pulumi import "+
		"was "+
		"given it, or say --force to write over it", to.file)
}

// finishAdoption writes the file, and says what is left.
func finishAdoption(w io.Writer, a adopt.Adoption, to output, stack string, imported []string) error {
	byHand := a.Count(adopt.Taken, adopt.Several, adopt.Unknown)
	if a.File != nil {
		err := mayWriteImports(to, imported)
		if err == nil {
			err = wholefile.Write(to.file, a.File)
		}
		if err != nil {
			return fmt.Errorf("writing the file for pulumi import: %w", err)
		}
		fmt.Fprintf(w, "%d resources to import are in %[2]s, and the components around them; next:\n"+
			"  pulumi import --stack %[3]s --file %[2]s --protect=false --generate-code=false\n"+
			"  batchaccess adopt --stack %[3]s --imported %[2]s --yes --import-file "+
			"%[2]s\n", a.Count(adopt.Exists), to.file, stack)
	}
	if byHand > 0 {
		fmt.Fprintf(w, "%d resources have to be looked at by hand: those under taken, several and unknown\n", byHand)
	}
	stuck := a.File == nil && len(a.Changing) > 0 && a.Count(adopt.Later) > 0
	if stuck {
		fmt.Fprintf(w, "it is undecided whether %d resources exist, those under later: they depend on some that "+
			"pulumi up would change. "+
			"Where these were imported just now, name the file with --imported; else let the program say what is, adopt, and "+
			"change it then:\n  %s\n",
			a.Count(adopt.Later), strings.Join(a.Changing, "\n  "))
	}
	if a.File == nil && byHand == 0 && !stuck {
		fmt.Fprintf(w, "nothing is left to import; next: pulumi preview --stack %s\n", stack)
		return nil
	}
	return errFailed
}
