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
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// adoptionRounds is more than any stack needs: a round for each thing on which the place of the next one depends, and
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
identities, applications and what belongs to them. A resource that exists already, because a state was lost or another
tool made it, would stop the deployment or be made twice. Adopt writes these resources, with the components around them,
to a file for pulumi import; with --yes it imports them. It changes nothing in Azure.

If a deployment was interrupted, adopt first completes it, so that the next pulumi up neither makes a thing twice nor
stops at "cannot create already existing resource". What was made goes into the state, and replaces there what it was to
replace. A client secret that nobody knows any more, and an application that was made again since, are removed. If the
stack is still locked, run pulumi cancel first.

Without --yes adopt only says what it would do, and writes at most a new file.

Each resource is one of these:

  exists   it exists where the stack would make it, and is imported; the last column says whose it is: by the mark of
           assignments, applications and groups, and by the grants of clusters and identities
  new      it does not exist: pulumi up makes it
  alike    it is new, and an application has the same display name; adopt takes only those with the stack's own tag
  later    its place depends on another resource, as an assignment's name depends on the ID of its principal
  lost     a client secret: nobody knows it any more, so pulumi up makes another; delete the old one when nobody uses it
  taken    something blocks it, and pulumi up would fail: the same assignment under another name; another role or
           credential with something that must be unique; another kind of compute; an application with the stack's tag
           whose owner is not the deployer; a resource of another stack; or one that the state has already, under
           another name, with another type, or to be deleted; or the program makes it twice. Adopt never imports,
           replaces or deletes it, because it belongs to somebody: an assignment can't be renamed, and replacing it
           takes the access away for minutes
  several  more than one resource could be it
  unknown  adopt can't look for resources of its type

Places depend on one another, so an import takes several rounds. An import also writes the provider's form of Azure's
answer into the state, such as scopes without their first slash, and Pulumi would then replace roles and assignments. So
after each import adopt writes the program's values instead. --yes does all of it. By hand, run adopt, pulumi import,
and adopt with --imported and --yes, again until it exits with 0; do not run pulumi up in between. A value that really
differs from the program's stays as it is: pulumi preview shows it. The preview also shows the stack's outputs as new,
which are no resources. When nothing else is left to make, adopt also imports components that are empty; they do not
exist in Azure.

It signs in as the deployer does (ARM_CLIENT_ID with ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH or ARM_USE_OIDC;
ARM_USE_MSI; or the Azure CLI), and needs Reader on the scopes, for
applications Application.Read.All, and for groups Group.Read.All.

It exits with 0 if nothing is left to import; with 1 if something is, or if something is taken, several or unknown, or
stays later because pulumi up would change what it depends on; with 2 if it can't look or import.`,
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
					return err // before Azure is asked or anything is done
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
			// A file that can't be read must not stop adopt between a recovery and the settling of what it has added.
			if _, err := adopt.Imported(engine.Preview{}, files...); err != nil {
				return fmt.Errorf("--imported: %w", err)
			}
			pulumi, err := findPreviewer(ctx, p, stack, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			finder, err := newFinder(cmd, p.dir, stack)
			if err != nil {
				return err
			}
			begin, ready, err := pulumi.takeUp(cmd, finder, forget, yes, form.format == "json")
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			if !ready {
				return errFailed
			}
			a, err := pulumi.adopt(ctx, finder, begin, files, yes, yes && !cmd.Flags().Changed("import-file"))
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			err = to.print(cmd, "adoption", func(w io.Writer) error { return reportAdoption(w, a, form.format == "json") })
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
		"file that pulumi import was given: write the program's values for what it imported")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false,
		"do it: complete an interrupted deployment, and import round by round; with --import-file, only write the file")
	cmd.Flags().StringSliceVar(&forget, "forget", nil,
		"URN of an interrupted creation of a type that adopt can't "+
			"look for, if the resource was not made or has been deleted")
	form.flags(cmd, "table", "json")
	return cmd
}

// adopt looks for what the stack would create. Before that, it settles what was added and what the files imported, if
// it may write the state. With do set it imports too, round by round until nothing is left.
func (p pulumiOf) adopt(
	ctx context.Context, finder *adopt.Finder, begin complete, files [][]byte, write, do bool,
) (a adopt.Adoption, err error) {
	settled := len(begin.added) == 0
	defer func() {
		if err != nil && !settled {
			err = fmt.Errorf("what was found is in the state, but the program's values could not be written for it: check "+
				"that the next preview replaces nothing: %w", err)
		}
	}()
	for range adoptionRounds {
		preview, placeholders, err := p.preview(ctx)
		if err != nil {
			return a, err
		}
		imported, err := adopt.Imported(preview, files...)
		if err != nil {
			return a, err
		}
		imported = append(imported, begin.added...)
		state := begin.state
		begin.state = nil // each round changes it
		// A state to write is read after the preview, so that little time passes between reading and writing it.
		if state == nil || len(imported) > 0 {
			if state, err = p.state(ctx); err != nil {
				return a, err
			}
		}
		changed, err := p.settle(ctx, *state, preview, imported, write)
		if err != nil {
			return a, err
		}
		settled = true
		if changed > 0 && !write {
			fmt.Fprintf(p.Stderr, "the state is to get the program's values for %d imported resources; nothing is done yet, "+
				"add --yes to do it\n", changed)
			return a, errFailed
		}
		if changed > 0 {
			continue // its results are known only now
		}
		if a, err = finder.Adopt(ctx, preview, *state, placeholders,
			os.Getenv("ARM_SUBSCRIPTION_ID")); err != nil || !do || a.File == nil {
			return a, err
		}
		fmt.Fprintf(p.Stderr, "importing %s, and the components around them\n",
			visible.Counted(a.Count(adopt.Exists), "resource"))
		if err := p.importFile(ctx, a.File); err != nil {
			return a, err
		}
		files = append(files, a.File)
	}
	return a, fmt.Errorf("after %d rounds there is still something to import or to settle; run pulumi preview to see "+
		"what changes each time", adoptionRounds)
}

// preview previews the stack, and returns Pulumi's file for importing everything that would be created.
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

// state returns the stack's state.
func (p pulumiOf) state(ctx context.Context) (*adopt.State, error) {
	var said bytes.Buffer
	quiet := p
	quiet.Stderr = io.MultiWriter(p.Stderr, &said)
	export, err := quiet.Run(ctx, nil, "stack", "export")
	switch {
	case err != nil && strings.Contains(said.String(), "no stack named"):
		return nil, fmt.Errorf("it does not exist; make it, empty, with pulumi stack init %s, and adopt again", p.Stack)
	case err != nil:
		return nil, err
	}
	s, err := adopt.ReadState(export)
	return &s, err
}

// settle writes the program's values for what was imported into the state, if it may.
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

// importFile imports what was found. It protects nothing that the program does not protect.
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

// adoptionForm is adopt's JSON.
type adoptionForm struct {
	Version int `json:"version"`
	adopt.Adoption
}

func reportAdoption(w io.Writer, a adopt.Adoption, asJSON bool) error {
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

// mayWriteImports refuses to overwrite a file. A file that adopt has written can be recognised only by --imported: what
// it lists may still have to be settled.
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
		"given it, or use --force to overwrite it", to.file)
}

// finishAdoption writes the file, and says what is left to do.
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
		fmt.Fprintf(w, "%s to import, in %[2]s, and the components around them; next:\n"+
			"  pulumi import --stack %[3]s --file %[2]s --protect=false --generate-code=false\n"+
			"  batchaccess adopt --stack %[3]s --imported %[2]s --yes --import-file "+
			"%[2]s\n", visible.Counted(a.Count(adopt.Exists), "resource"), to.file, stack)
	}
	if byHand > 0 {
		fmt.Fprintf(w, "to be looked at by hand: %s, those under taken, several and unknown\n",
			visible.Counted(byHand, "resource"))
	}
	stuck := a.File == nil && len(a.Changing) > 0 && a.Count(adopt.Later) > 0
	if stuck {
		fmt.Fprintf(w, "undecided, whether they exist: %s, those under later: they depend on what pulumi up would "+
			"change. If you have just imported that, name the file with --imported; otherwise write Azure's present values "+
			"in the program, adopt, and change them afterwards:\n  %s\n",
			visible.Counted(a.Count(adopt.Later), "resource"), strings.Join(a.Changing, "\n  "))
	}
	if a.File == nil && byHand == 0 && !stuck {
		fmt.Fprintf(w, "nothing is left to import; next: pulumi preview --stack %s\n", stack)
		return nil
	}
	return errFailed
}
