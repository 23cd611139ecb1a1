package components

import (
	"fmt"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

// jobServiceToken is the type of a jobService in a stack's state.
const jobServiceToken = "batchaccess:index:JobService"

// A jobService assigns one role, for what a job uses beside its data, at one resource. Only a BatchEndpointAccess makes
// it.
type jobService struct {
	pulumi.ResourceState

	assignments map[string]*authorization.RoleAssignment // by the names of the principals
}

type jobServiceArgs struct {
	role       string             // a built-in role of Azure
	scope      pulumi.StringInput // an ARM ID
	scopeType  string             // the type of the resource
	principals map[string]AssigneeArgs
}

func newJobService(
	ctx *pulumi.Context, name string, args *jobServiceArgs, opts ...pulumi.ResourceOption,
) (*jobService, error) {
	made := &jobService{assignments: map[string]*authorization.RoleAssignment{}}
	inputs := pulumi.Map{"scope": args.scope, "role": pulumi.String(args.role)}
	if err := ctx.RegisterComponentResourceV2(jobServiceToken, name, inputs, made, opts...); err != nil {
		return nil, fmt.Errorf("registering %q: %w", name, err)
	}
	c, err := childrenOf(made, opts)
	if err != nil {
		return nil, err
	}
	scope := derive(func(v []string) (string, error) {
		_, err := arm.Parse(v[0], args.scopeType)
		return v[0], err
	}, args.scope)
	role, _ := roles.BuiltIn(args.role)
	programOf(ctx).claim(name, sortedKeys(args.principals))
	for _, principal := range sortedKeys(args.principals) {
		made.assignments[principal], err = c.assign(ctx, name, principal, place{StringInput: scope}, pulumi.String(role.ID),
			args.principals[principal], args.role+": "+principal, "")
		if err != nil {
			return nil, err
		}
	}
	return made, ctx.RegisterResourceOutputs(made, pulumi.Map{})
}
