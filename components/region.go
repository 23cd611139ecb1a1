package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/lookup"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// clusterRegion returns the location that a cluster is made with: the workspace's, which is looked up. Azure makes a
// cluster elsewhere without a warning, and its identity then does not work (facts/compute-clusters.md). said is the
// location in the arguments, or nil. If the workspace or said is known only later, an error is given when the cluster
// is made.
func clusterRegion(
	ctx *pulumi.Context, workspaceID pulumi.StringInput, said pulumi.StringPtrInput, opts []pulumi.ResourceOption,
) (pulumi.StringPtrInput, access.Problems, error) {
	find := func(workspace access.ID, said string) (string, access.Problems, error) {
		asker, err := lookup.New(ctx, workspace, opts...)
		if err != nil {
			return "", nil, err
		}
		region, ps := asker.Region("location")
		region, ps = checkRegion(region, ps, said)
		return region, ps, nil
	}
	text, known := plain(said)
	if id := idOf(workspaceID); !id.Later() && (known || said == nil) {
		region, ps, err := find(id, text)
		return optional(region), ps, err
	}
	later := pulumi.String("").ToStringOutput()
	if said != nil {
		later = said.ToStringPtrOutput().Elem()
	}
	return derived(func(v []string) (string, error) {
		if _, err := arm.Parse(v[0], arm.Workspace); err != nil {
			return "", fmt.Errorf("workspaceId: %w", err)
		}
		region, ps, err := find(access.Known(v[0]), v[1])
		if err == nil {
			err = ps.Err()
		}
		for _, p := range ps.Warnings() {
			if err == nil {
				err = ctx.Log.Warn(p.String(), nil)
			}
		}
		return region, err
	}, []pulumi.StringInput{workspaceID, later}).ApplyT(func(region string) *string {
		if region == "" {
			return nil
		}
		return &region
	}).(pulumi.StringPtrOutput), nil, nil
}

// checkRegion compares the location in the arguments with the one that was found; either is "" if it is not known. A
// difference is an error. A failed look-up is an error only if the arguments give no location.
func checkRegion(found string, unanswered access.Problems, said string) (region string, ps access.Problems) {
	switch {
	case len(unanswered) > 0 && said == "":
		return "", unanswered
	case len(unanswered) > 0:
		for _, p := range unanswered {
			ps.Warn(p.Code, p.Path, p.Fix, "%s; %s is assumed: if the region is another one, the identities of clusters "+
				"do not work", p.What, said)
		}
		return said, ps
	case said == "":
		return found, nil
	case found != "" && !sameRegion(found, said):
		ps.AddCode(problem.Contradiction, "location", "write "+found+"; nodes elsewhere are asked for by location of the "+
			"cluster", "is %s, but the workspace lies in %s: the identity of a cluster that is made elsewhere than its "+
			"workspace does not work", said, found)
		return "", ps
	}
	return said, nil
}
