package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/tests/bench/composed"
	"github.com/batchaccess/batchaccess/tests/bench/flat"
	"github.com/batchaccess/batchaccess/tests/bench/model"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// recorder keeps the custom resources that a program registers, without the names that the two programs may choose.
type recorder struct {
	mu         sync.Mutex
	registered []string
	guids      map[string]bool
}

// chosen are the inputs in which a program chooses a name.
var chosen = []resource.PropertyKey{"roleAssignmentName", "roleName"}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if !args.Custom {
		return "", resource.PropertyMap{}, nil
	}
	inputs := args.Inputs.Copy()
	id := args.Name
	switch args.TypeToken {
	case "azure-native:authorization:RoleDefinition":
		id = "/subscriptions/11111111-1111-4111-8111-111111111111/providers/Microsoft.Authorization/roleDefinitions/the-role"
		delete(inputs, "roleDefinitionId")
	case "azure-native:machinelearningservices:Compute":
		identity := map[string]any{"type": "SystemAssigned",
			"principalId": "principal of " + inputs["computeName"].StringValue()}
		args.Inputs["identity"] = resource.NewProperty(resource.NewPropertyMapFromMap(identity))
	}
	for _, key := range chosen {
		delete(inputs, key)
	}
	shown, err := json.Marshal(inputs.Mappable())
	if err != nil {
		return "", nil, err
	}
	rpc := args.RegisterRPC
	r.mu.Lock()
	defer r.mu.Unlock()
	if name, ok := args.Inputs["roleAssignmentName"]; ok {
		r.guids[name.StringValue()] = true
	}
	r.registered = append(r.registered, fmt.Sprintf("%s %s deleteBeforeReplace=%t replaceOnChanges=%v version=%s "+
		"protect=%t",
		args.TypeToken, shown, rpc.GetDeleteBeforeReplace(), rpc.GetReplaceOnChanges(), rpc.GetVersion(), rpc.GetProtect()))
	return id, args.Inputs, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, errors.New("neither program looks anything up, and one did: " + args.Token)
}

func record(t *testing.T, deploy pulumi.RunFunc) *recorder {
	t.Helper()
	r := &recorder{guids: map[string]bool{}}
	require.NoError(t, pulumi.RunErr(deploy, pulumi.WithMocks("bench", "bench", r)))
	slices.Sort(r.registered)
	return r
}

func TestBothProgramsRegisterTheSameResources(t *testing.T) {
	t.Parallel()
	for _, size := range []int{leastSize, 10, 100, 1000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			w := workload.Of(size)
			through := record(t, func(ctx *pulumi.Context) error { return composed.Deploy(ctx, w) })
			flat := record(t, func(ctx *pulumi.Context) error { return flat.Deploy(ctx, w) })
			assignments := w.Assignments()
			assert.Len(t, flat.registered, assignments+1+2, "assignments, the role and the clusters")
			assert.Len(t, flat.guids, assignments, "no two assignments have one name")
			assert.Len(t, through.guids, assignments)
			require.Len(t, through.registered, len(flat.registered))
			for i := range flat.registered {
				require.Equal(t, flat.registered[i], through.registered[i])
			}
		})
	}
}

func TestAWorkloadIsAsLargeAsAsked(t *testing.T) {
	t.Parallel()
	for size := leastSize; size <= 4000; size++ {
		w := workload.Of(size)
		n := w.Assignments()
		require.LessOrEqual(t, n, size)
		require.Greater(t, n, size-2-len(w.Inputs), "one invoker more would be too many")
		if size <= 100 || size%97 == 0 || size == 4000 { // computing the model's grants takes long for many
			assert.Len(t, plans.Of(model.Of(size)).Grants, n)
		}
	}
}

func TestTheModelIsWhatTheProgramDeploys(t *testing.T) {
	t.Parallel()
	for _, size := range model.Sizes {
		assert.Equal(t, composed.Args(workload.Of(size)).Model(), model.Of(size))
		assert.NotNil(t, plans.Of(model.Of(size)))
	}
}

func TestADividedModelIsAboutAsLargeAsAsked(t *testing.T) {
	t.Parallel()
	for _, size := range model.Sizes {
		m := model.Divided(size)
		n := len(plans.Of(m).Grants)
		assert.LessOrEqual(t, n, size)
		assert.GreaterOrEqual(t, n, size*8/10)
	}
}
