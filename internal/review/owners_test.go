package review_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/review"
)

// ownedScoring is the model with owners, in which ann alone invokes, or bob too.
func ownedScoring(bobToo bool, annsOwner string) access.Model {
	m := scoring()
	for name, d := range m.DataInputs {
		d.Owner = "Clinic <i>|" + name
		m.DataInputs[name] = d
	}
	for name, e := range m.Endpoints {
		e.Owner = "Team " + name
		if !bobToo {
			e.Invokers = []string{"ann"}
		}
		m.Endpoints[name] = e
	}
	ann, bob := m.Invokers["ann"], m.Invokers["bob"]
	ann.Owner, bob.Owner = annsOwner, "Bob's boss @all"
	m.Invokers["ann"], m.Invokers["bob"] = ann, bob
	if !bobToo {
		delete(m.Invokers, "bob")
	}
	return m
}

func compareOwned(t *testing.T, old, now access.Model) review.Review {
	t.Helper()
	return review.Compare("dev", review.Configured{Plan: plans.Of(old)}, review.Configured{Plan: plans.Of(now)},
		review.Options{Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
}

func TestWhoGainsStandsBesideWhoAnswersForIt(t *testing.T) {
	t.Parallel()
	r := compareOwned(t, ownedScoring(false, "Ann Inc"), ownedScoring(true, "Ann Inc"))
	var text, md, sarif bytes.Buffer
	require.NoError(t, review.Text(&text, r))
	require.NoError(t, review.SARIF(&sarif, r))
	require.NoError(t, review.Markdown(&md, r))
	assert.Contains(t, text.String(), "invoker bob (44444444-4444-4444-8444-444444444444, owner: Bob's boss @all)")
	assert.Contains(t, text.String(), "; owner of the data: Clinic <i>|")
	assert.Contains(t, text.String(), "bob (owner: Bob's boss @all)")
	assert.Contains(t, text.String(), "(owner: Team ")
	assert.Contains(t, md.String(), "owner: Bob's boss &#64;&#8203;all)")
	assert.Contains(t, md.String(), "; owner of the data: Clinic &#60;i&#62;&#124;")
	assert.Contains(t, pageOf(t, r), "; owner of the data: Clinic &lt;i&gt;|")
	assert.Contains(t, sarif.String(), "owner of the data")
	for _, c := range r.Access {
		assert.Equal(t, "Bob's boss @all", c.Principal.Owner)
		if strings.HasPrefix(c.Role, "Storage") {
			assert.NotEmpty(t, c.DataOwners)
		} else {
			assert.Empty(t, c.DataOwners, c.Role)
		}
	}
}

func TestAnotherOwnerIsNoChangeOfAccessAndIsNoted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, now access.Model
		want     string
	}{
		"another": {ownedScoring(true, "Ann Inc"), ownedScoring(true, "Mallory"), "was Ann Inc, and is to be Mallory."},
		"comes":   {ownedScoring(true, ""), ownedScoring(true, "Mallory"), "was not said, and is to be Mallory."},
		"goes":    {ownedScoring(true, "Ann Inc"), ownedScoring(true, ""), "was Ann Inc, and is to be not said."},
		"stays":   {ownedScoring(true, "Ann Inc"), ownedScoring(true, "Ann Inc"), ""},
		"is new":  {ownedScoring(false, "Ann Inc"), ownedScoring(true, "Ann Inc"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := compareOwned(t, c.old, c.now)
			notes := strings.Join(r.Notes, "\n")
			if c.want == "" {
				assert.NotContains(t, notes, "The owner of")
				return
			}
			assert.Contains(t, notes, "The owner of invokers.ann of access "+c.want)
			assert.False(t, r.NewAccess)
			assert.Equal(t, review.None, r.Risk)
		})
	}
}
