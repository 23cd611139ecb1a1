package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
)

// asDeclared holds the clusters that the stack made against their declarations: jobs work on a cluster with any
// identity that has the roles, so they don't show that it has the one that is declared. What is as declared is no
// attempt of its own.
func (r *rehearsal) asDeclared(ctx context.Context, report *Report) error {
	for _, name := range slices.Sorted(maps.Keys(r.Model.Clusters)) {
		c := r.Model.Clusters[name]
		ids := append([]access.ID{c.UserAssignedIdentityID}, c.MoreIdentityIDs...)
		if c.Existing || !ids[0].Given() || slices.ContainsFunc(ids, access.ID.Later) {
			continue
		}
		var found struct {
			Identity struct {
				UserAssignedIdentities map[string]any
			}
		}
		id := r.Model.WorkspaceID.Text() + "/computes/" + c.NameOr(name)
		if err := manage(ctx, r.azure, http.MethodGet, r.azure.URL()+id+"?api-version="+machineLearningVersion, nil,
			&found); err != nil {
			return fmt.Errorf("looking at cluster %s: %w", name, err)
		}
		got, want := slices.Collect(maps.Keys(found.Identity.UserAssignedIdentities)), []string{}
		for _, one := range ids {
			want = append(want, one.Text())
		}
		if has, should := listed(got), listed(want); has != should {
			report.add(Outcome{Control: true, Invoker: "cluster " + name, Want: "has " + should, Got: "has " + has,
				Detail: "the identities of the cluster are not those of the configuration"})
		}
	}
	return nil
}

// listed are IDs in one text, which is the same for the same IDs.
func listed(ids []string) string {
	lower := make([]string, len(ids))
	for i, id := range ids {
		lower[i] = strings.ToLower(id)
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(lower))), ", ")
}
