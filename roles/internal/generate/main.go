// The command generate writes the files with Azure's built-in roles that package roles embeds, from one list of all of
// them:
//
//	go run ./internal/generate <list.json>
//
// The list is a JSON array of {"id", "name", "permissions"}, which can be made from Resource Manager's answer. All of
// it goes into all_built_in.gz. The roles that a deployment may need go into built_in.json too, which is cheap to read.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// cheap are the roles that this project assigns, and those that users ask about most.
var cheap = []string{
	"Storage Blob Data Reader", "Storage Blob Data Contributor", "Storage File Data Privileged Contributor",
	"Storage Table Data Contributor", "Storage Queue Data Contributor", "AcrPull", "Container Registry Repository Reader",
	"AzureML Registry User",
	"AzureML Data Scientist", "Azure AI Developer", "Azure AI Administrator", "AzureML Compute Operator",
	"Reader", "Contributor", "Owner",
}

type role struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Permissions []json.RawMessage `json:"permissions"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate <list.json>")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(source string) error {
	all, err := read(source)
	if err != nil {
		return fmt.Errorf("reading %s: %w", source, err)
	}
	var few []role
	for _, name := range cheap {
		i := slices.IndexFunc(all, func(r role) bool { return r.Name == name })
		if i < 0 {
			return fmt.Errorf("%s has no role %q", source, name)
		}
		few = append(few, all[i])
	}
	text, err := json.MarshalIndent(few, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile("built_in.json", append(text, '\n'), 0o644); err != nil {
		return err
	}
	ids, lines, err := pack(all)
	if err != nil {
		return err
	}
	if err := os.WriteFile("all_built_in.ids", ids, 0o644); err != nil {
		return err
	}
	return os.WriteFile("all_built_in.gz", lines, 0o644)
}

// read reads the list, sorted by ID. It refuses an incomplete role and one that is listed twice.
func read(source string) ([]role, error) {
	data, err := os.ReadFile(source)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var all []role
	if err := dec.Decode(&all); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, r := range all {
		all[i].ID = strings.ToLower(r.ID)
		name := strings.ToLower(r.Name)
		switch {
		case r.Name == "" || strings.ContainsAny(r.Name, "\t\n") || len(r.Permissions) == 0:
			return nil, fmt.Errorf("role %d (%q, %s) has no name, or no permissions", i, r.Name, r.ID)
		case seen[all[i].ID] || seen[name]:
			return nil, fmt.Errorf("role %q (%s) is there twice, by name or by ID", r.Name, r.ID)
		}
		seen[all[i].ID], seen[name] = true, true
	}
	slices.SortFunc(all, func(a, b role) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// pack returns the IDs, 16 bytes each and sorted, and the roles in the same order, one a line: name, tab, permissions.
func pack(all []role) (ids, lines []byte, err error) {
	var text bytes.Buffer
	for _, r := range all {
		id, err := hex.DecodeString(strings.ReplaceAll(r.ID, "-", ""))
		if err != nil || len(id) != 16 {
			return nil, nil, errors.Join(fmt.Errorf("the ID %q of %q is not a GUID", r.ID, r.Name), err)
		}
		ids = append(ids, id...)
		permissions, err := json.Marshal(r.Permissions)
		if err != nil {
			return nil, nil, err
		}
		fmt.Fprintf(&text, "%s\t%s\n", r.Name, permissions)
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, nil, err
	}
	if _, err := w.Write(text.Bytes()); err != nil {
		return nil, nil, err
	}
	if err := w.Close(); err != nil {
		return nil, nil, err
	}
	return ids, packed.Bytes(), nil
}
