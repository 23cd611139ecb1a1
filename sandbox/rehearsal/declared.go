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

// asDeclared compares the clusters with their declarations, and with the principals in the stack's outputs. Jobs do not
// show this: they work on a cluster with any identity that has the roles. A cluster that is right adds no attempt to
// the report. known is false if a cluster's principal is not the one in the outputs.
func (r *rehearsal) asDeclared(ctx context.Context, report *Report, d deployed) (known bool, err error) {
	known = true
	for _, name := range slices.Sorted(maps.Keys(r.Model.Clusters)) {
		c := r.Model.Clusters[name]
		ids := append([]access.ID{c.UserAssignedIdentityID}, c.MoreIdentityIDs...)
		says := d.ClusterPrincipalIDs[name]
		checked := !c.Existing && ids[0].Given() && !slices.ContainsFunc(ids, access.ID.Later)
		if says == "" && !checked {
			continue
		}
		var found struct {
			Identity struct {
				PrincipalID            string
				UserAssignedIdentities map[string]struct{ PrincipalID string }
			}
		}
		id := r.Model.WorkspaceID.Text() + "/computes/" + c.NameOr(name)
		if err := manage(ctx, r.azure, http.MethodGet, r.azure.URL()+id+"?api-version="+machineLearningVersion, nil,
			&found); err != nil {
			return false, fmt.Errorf("looking at cluster %s: %w", name, err)
		}
		principals := []string{found.Identity.PrincipalID}
		for _, one := range found.Identity.UserAssignedIdentities {
			principals = append(principals, one.PrincipalID)
		}
		if has := listed(principals); says != "" && !slices.Contains(strings.Split(has, ", "), strings.ToLower(says)) {
			known = false
			report.add(Outcome{Control: true, Invoker: "cluster " + name, Want: "is " + strings.TrimPrefix(has, ", "),
				Got: "is " + says, Detail: "clusterPrincipalIds names another principal than the cluster's"})
		}
		if !checked {
			continue
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
	return known, nil
}

// listed is one text for a list of IDs, the same in any order.
func listed(ids []string) string {
	lower := make([]string, len(ids))
	for i, id := range ids {
		lower[i] = strings.ToLower(id)
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(lower))), ", ")
}
