package programs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// ErrNoGo is the error if there is no Go tool.
var ErrNoGo = errors.New("a Go program needs the `go` command on PATH: install Go from https://go.dev/dl")

// settings asks the Go tool for its settings in the folder: its version, the platform that it builds for, the module
// and the workspace.
func (b *build) settings(ctx context.Context) error {
	text, err := b.tool(ctx, "env", "-json").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return ErrNoGo
	}
	if err == nil {
		err = json.Unmarshal(text, &b.env)
	}
	if err != nil {
		return fmt.Errorf("asking the go command for its settings in %s: %w", b.Dir, err)
	}
	delete(b.env, "GOGCCFLAGS") // a new temporary folder each time
	return nil
}

// name is the program's name in the cache: it depends on what is built, where, and with which settings.
func (b *build) name() string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %q\n", b.Dir, b.Package)
	for _, name := range slices.Sorted(maps.Keys(b.env)) {
		_, _ = fmt.Fprintf(h, "%q %q\n", name, b.env[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// sources say what a program is made of, besides the Go tool, the standard library and the modules that the checksums
// in go.sum fix. A new file in one of the folders is part of the program too.
type sources struct {
	// Folders are the folders of the packages. The files that Go builds count.
	Folders []string
	// Trees are the folders of packages that embed files. Everything below them counts.
	Trees []string
	// Files say which modules there are. A file that does not exist counts too.
	Files []string
	// Unknown: the program is made of more than that.
	Unknown bool `json:"-"`
}

// sources asks the Go tool what the program is made of.
func (b *build) sources(ctx context.Context) (sources, error) {
	text, err := b.tool(ctx, "list", "-deps", "-json=Dir,Standard,Module,EmbedPatterns,CgoFiles", b.Package).Output()
	if err != nil {
		return sources{}, fmt.Errorf("listing what %s is made of: %w", b.Package, err)
	}
	var of sources
	for _, file := range []string{b.env["GOMOD"], b.env["GOWORK"]} {
		of.Files = append(of.Files, file, strings.TrimSuffix(file, ".mod")+".sum", file+".sum",
			filepath.Join(filepath.Dir(file), "vendor", "modules.txt"))
	}
	for decoder := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p struct {
			Dir                     string
			Standard                bool
			Module                  *struct{ GoMod string }
			EmbedPatterns, CgoFiles []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return sources{}, fmt.Errorf("reading what %s is made of: %w", b.Package, err)
		}
		if p.Standard || within(b.env["GOMODCACHE"], p.Dir) {
			continue
		}
		if p.Module != nil {
			of.Files = append(of.Files, p.Module.GoMod)
		}
		if len(p.EmbedPatterns) > 0 {
			of.Trees = append(of.Trees, p.Dir)
		} else {
			of.Folders = append(of.Folders, p.Dir)
		}
		of.Unknown = of.Unknown || len(p.CgoFiles) > 0 // C may include files from anywhere
	}
	of.Files = slices.DeleteFunc(of.Files, func(file string) bool { return !filepath.IsAbs(file) })
	for _, list := range []*[]string{&of.Folders, &of.Trees, &of.Files} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return of, nil
}

func within(folder, path string) bool {
	return folder != "" && strings.HasPrefix(path, folder+string(filepath.Separator))
}

// A print identifies the content of the sources.
type print struct {
	sum    string
	newest time.Time // the latest change of a file
}

// built are the extensions of files that the Go tool compiles.
var built = map[string]bool{
	".go": true, ".s": true, ".S": true, ".sx": true, ".syso": true, ".swig": true, ".swigcxx": true,
	".c": true, ".cc": true, ".cpp": true, ".cxx": true, ".h": true, ".hh": true, ".hpp": true, ".hxx": true,
	".m": true, ".f": true, ".F": true, ".for": true, ".f90": true,
}

// print computes the fingerprint of the sources.
func (s sources) print() (print, error) {
	p, h := print{}, sha256.New()
	for _, folder := range s.Folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return print{}, err
		}
		for _, entry := range entries {
			if name := entry.Name(); !built[filepath.Ext(name)] || strings.HasSuffix(name, "_test.go") {
				continue
			}
			if err := p.add(h, filepath.Join(folder, entry.Name()), entry.Type()); err != nil {
				return print{}, err
			}
		}
	}
	for _, tree := range s.Trees {
		err := filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && path != tree && entry.Name() == ".git" {
				return fs.SkipDir
			}
			return p.add(h, path, entry.Type())
		})
		if err != nil {
			return print{}, err
		}
	}
	for _, file := range s.Files {
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return print{}, err
		}
		if err := p.add(h, file, info.Mode().Type()); err != nil {
			return print{}, err
		}
	}
	p.sum = hex.EncodeToString(h.Sum(nil))[:32]
	return p, nil
}

// add adds the content of a file, and only the name of anything else.
func (p *print) add(h hash.Hash, path string, kind fs.FileMode) error {
	_, _ = fmt.Fprintf(h, "%q %s\n", path, kind)
	if kind&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return nil // Go does not follow links either
		}
	} else if !kind.IsRegular() {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if p.newest.Before(info.ModTime()) {
		p.newest = info.ModTime()
	}
	size, err := io.Copy(h, file)
	_, _ = fmt.Fprintf(h, "%d\n", size)
	return err
}

// list is the file of the cache that says what the program is made of.
func (b *build) list() string { return filepath.Join(b.folder, "sources.json") }

// remember stores what the program is made of.
func (b *build) remember(of sources) error {
	text, err := json.Marshal(of)
	if err == nil {
		err = wholefile.Write(b.list(), text)
	}
	if err != nil {
		return fmt.Errorf("noting what the program is made of: %w", err)
	}
	return nil
}

// recall reads what remember has stored.
func (b *build) recall() (of sources, err error) {
	text, err := os.ReadFile(b.list())
	if err != nil {
		return sources{}, err
	}
	err = json.Unmarshal(text, &of)
	return of, err
}
