package config_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/roles"
)

// sample is the model of the sample stack, at these scopes of the role and of data.
func sample(t *testing.T, role, data access.Level) access.Model {
	t.Helper()
	values, err := config.ReadStack(filepath.Join("..", ".."), "dev")
	require.NoError(t, err)
	args, ps := config.DecodeStack(values)
	require.NoError(t, ps.Err())
	m := args.Model()
	m.Role.Scope, m.Assertions = role, nil
	m.StorageAccountKinds = map[string]roles.AccountKind{"shared": roles.Flat}
	scope := func(path string) access.Level {
		if data == access.AtPath && path == "" {
			return access.AtContainer // it has no path to limit it to
		}
		return data
	}
	for name, d := range m.DataInputs {
		if d.StorageAccount != "" {
			d.Scope = scope(d.Path)
			m.DataInputs[name] = d
		}
	}
	for name, d := range m.DataOutputs {
		d.Scope = scope(d.Path)
		m.DataOutputs[name] = d
	}
	return m
}

// A place of data: a path, or "*" for everything else in the container, or in the account.
type place struct{ account, container, path string }

// places are those that the sample names, and the rest beside them.
func places(m access.Model) []place {
	all := map[place]bool{}
	add := func(account, container, path string) {
		if account != "" {
			all[place{account, container, path}], all[place{account, container, "*"}] = true, true
			all[place{account, "*", "*"}] = true
		}
	}
	for _, d := range m.DataInputs {
		add(d.StorageAccount, d.Container, d.Path)
	}
	for _, d := range m.DataOutputs {
		add(d.StorageAccount, d.Container, d.Path)
	}
	return slices.Collect(maps.Keys(all))
}

// breadth is the sum over the grants of a plan: the actions of each, times its resources.
func breadth(t *testing.T, plan *access.Plan) (n int) {
	t.Helper()
	m := plan.Model
	for _, g := range plan.Grants {
		permissions := roles.OfStorage(g.Role).Permissions
		if !g.Scope.InStorage() {
			var known bool
			permissions, known = plan.Permissions(g)
			require.True(t, known, g)
		}
		for _, p := range permissions {
			for _, action := range slices.Concat(p.Actions, p.DataActions) {
				switch limited := slices.Contains(p.DataActions, action); {
				case g.Scope.InStorage():
					n += len(slices.DeleteFunc(places(m), func(at place) bool { return !reaches(g, at, limited) }))
				case g.Scope.Level == access.AtEndpoint || !roles.AtEndpoint(action):
					n++
				default: // each endpoint, and those beside them
					n += len(m.Endpoints) + 1
				}
			}
		}
	}
	return n
}

// reaches reports whether a grant in storage applies at a place. Conditions limit data actions alone.
func reaches(g access.Grant, at place, limited bool) bool {
	if g.Scope.StorageAccount != at.account || g.Scope.Container != "" && g.Scope.Container != at.container {
		return false
	}
	if g.Condition == "" || !limited {
		return true
	}
	return at.path != "*" && strings.Contains(g.Condition, "'"+at.path+"/*'")
}

// docs/evidence.md says how broad the sample's grants are at each scope: the narrower, the fewer.
func TestTheBreadthOfTheSampleIsThatOfTheDocs(t *testing.T) {
	t.Parallel()
	table := "| role | data | grants | actions x resources |\n|---|---|---|---|\n"
	var figures []int
	for _, c := range []struct{ role, data access.Level }{
		{access.AtWorkspace, access.AtAccount}, {access.AtWorkspace, access.AtContainer}, {access.AtWorkspace, access.AtPath},
		{access.AtEndpoint, access.AtAccount}, {access.AtEndpoint, access.AtContainer}, {access.AtEndpoint, access.AtPath},
	} {
		plan := plans.Of(sample(t, c.role, c.data))
		figures = append(figures, breadth(t, plan))
		table += fmt.Sprintf("| %s | %s | %d | %d |\n", c.role, c.data, len(plan.Grants), figures[len(figures)-1])
	}
	for i := range figures {
		if i%3 > 0 {
			assert.Less(t, figures[i], figures[i-1], "narrower data")
		}
		if i >= 3 {
			assert.Less(t, figures[i], figures[i-3], "at endpoints")
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "evidence.md"))
	require.NoError(t, err)
	assert.Contains(t, string(text), table, "docs/evidence.md must have this table:\n%s", table)
}
