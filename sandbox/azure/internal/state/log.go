package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
)

// formatVersion is the version of the file's format: the first line is a snapshot, and each later line is a checksum
// and a record. A file without a version is from an earlier sandbox, and has only a snapshot.
const formatVersion = 2

// snapshot is the first line.
type snapshot struct {
	Version int `json:"version"`
	*State
}

// record has what one Update changed: whole entries by table and key, and null for deleted ones.
type record struct {
	Tenant  *Tenant                              `json:"tenant,omitempty"`
	Removed *[]Removed                           `json:"removed,omitempty"`
	Changed map[Table]map[string]json.RawMessage `json:"changed,omitempty"`
}

// encode returns the state as the first line.
func (s *State) encode() ([]byte, error) {
	text, err := json.Marshal(snapshot{formatVersion, s})
	return append(text, '\n'), err
}

// changes returns, as a line, the entries that were touched since the last call; nil if there are none.
func (s *State) changes() ([]byte, error) {
	var r record
	if s.Tenant != s.written {
		r.Tenant = &s.Tenant
	}
	tables := s.tables()
	for at := range s.touched {
		text := []byte("null")
		if table := tables[at.table]; table.has(at.key) {
			var err error
			if text, err = table.text(at.key); err != nil {
				return nil, fmt.Errorf("encoding %s.%s: %w", at.table, at.key, err)
			}
		}
		if r.Changed == nil {
			r.Changed = map[Table]map[string]json.RawMessage{}
		}
		if r.Changed[at.table] == nil {
			r.Changed[at.table] = map[string]json.RawMessage{}
		}
		r.Changed[at.table][at.key] = text
		if at.table == RoleAssignments {
			r.Removed = &s.Removed
		}
	}
	if r.Tenant == nil && r.Changed == nil {
		return nil, nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding a change: %w", err)
	}
	s.settle()
	return append(fmt.Appendf(nil, "%08x ", crc32.ChecksumIEEE(text)), append(text, '\n')...), nil
}

// settle forgets which entries were touched: they are written, or need not be.
func (s *State) settle() {
	s.written = s.Tenant
	clear(s.touched)
}

// decode reads a file into an empty state, and returns the length of its complete part. The rest is a record that a
// process was writing, and had not answered, when it died. The version is 0 for a file of an earlier sandbox.
func (s *State) decode(text []byte) (whole, version int, err error) {
	first, rest := text, []byte(nil)
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil { // there is more than one line
		end := bytes.IndexByte(text, '\n') + 1
		if first, rest = text[:end], text[end:]; json.Unmarshal(first, &head) != nil {
			return 0, 0, err
		}
	}
	if head.Version != 0 && head.Version != formatVersion {
		return 0, 0, newer(head.Version)
	}
	s.Tenant = Tenant{} // the file's, and no part of another
	if err := json.Unmarshal(first, s); err != nil {
		return 0, 0, err
	}
	for name, table := range s.tables() {
		if key, empty, made := table.wrong(); !made {
			return 0, 0, fmt.Errorf("%s is null", name)
		} else if empty {
			return 0, 0, fmt.Errorf("%s.%s is empty", name, key)
		}
	}
	whole = len(first)
	for line := range bytes.Lines(rest) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		if err := s.apply(line); err != nil {
			return 0, 0, fmt.Errorf("at byte %d: %w", whole, err)
		}
		whole += len(line)
	}
	if s.TenantID == "" {
		return 0, 0, errors.New("tenantId is missing")
	}
	if slices.ContainsFunc(s.Removed, func(gone Removed) bool { return gone.RoleAssignment == nil }) {
		return 0, 0, errors.New("removed holds one that is empty")
	}
	s.TouchAll()
	s.rename()
	s.settle()
	s.jobs = slices.SortedFunc(maps.Keys(s.Jobs), func(a, b string) int {
		return s.Jobs[a].CreatedAt.Compare(s.Jobs[b].CreatedAt)
	})
	return whole, head.Version, nil
}

type newer int

func (n newer) Error() string {
	return fmt.Sprintf("it is of version %d, and this sandbox knows version %d and those before", int(n), formatVersion)
}

// apply makes the changes of one record.
func (s *State) apply(line []byte) error {
	sum, text, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	if want, err := strconv.ParseUint(string(sum), 16, 32); err != nil || uint32(want) != crc32.ChecksumIEEE(text) {
		return errors.New("the checksum of the line is wrong")
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	if r.Tenant != nil {
		s.Tenant = *r.Tenant
	}
	if r.Removed != nil {
		s.Removed = *r.Removed
	}
	tables := s.tables()
	for name, changed := range r.Changed {
		table := tables[name]
		if table == nil {
			return fmt.Errorf("there is no table %q", name)
		}
		for key, value := range changed {
			if string(value) == "null" {
				table.drop(key)
			} else if err := table.put(key, value); err != nil {
				return fmt.Errorf("%s.%s: %w", name, key, err)
			}
		}
	}
	return nil
}
