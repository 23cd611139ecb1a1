package components

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/construct"
)

const someLake = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
	"Microsoft.Storage/storageAccounts/lake"

// otherHolds answers every question for an assignment with one of another stack.
type otherHolds struct{}

func (otherHolds) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return args.Name, args.Inputs, nil
}

func (otherHolds) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token == "azure-native:authorization:getRoleAssignment" {
		return resource.PropertyMap{"description": resource.NewProperty("reads [batchaccess:theirs/dev/lake.a]")}, nil
	}
	return resource.PropertyMap{}, nil
}

// Each assignment has its own check, although those of a component share one hook, and is asked for by IDs that are
// secret too. A secret is in no text.
func TestEachAssignmentIsCheckedBeforeItIsCreated(t *testing.T) {
	t.Parallel()
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
		reader := &StorageReader{}
		require.NoError(t, ctx.RegisterComponentResourceV2(StorageReaderToken, "lake", nil, reader))
		c, err := childrenOf(reader, nil)
		require.NoError(t, err)
		for _, principal := range []string{"a", "b"} {
			_, err = c.refuseBefore(ctx, "lake", principal, AssigneeArgs{})
			require.NoError(t, err)
		}
		plain, secret := resource.NewProperty[string], func(text string) resource.PropertyValue {
			return resource.MakeSecret(resource.NewProperty(text))
		}
		for name, c2 := range map[string]struct {
			child       string
			guid, scope resource.PropertyValue
			says        string // "" if nothing is wrong
		}{
			"known":            {"lake.a", plain("g"), plain(someLake), "lake.a: stack theirs/dev has this"},
			"the other":        {"lake.b", plain("g"), plain(someLake), "lake.b: stack theirs/dev has this"},
			"a secret ID":      {"lake.a", secret("g"), plain(someLake), "has this assignment at " + someLake},
			"a secret scope":   {"lake.a", plain("g"), secret(someLake), "has this assignment at its scope"},
			"not known so far": {"lake.a", resource.MakeComputed(plain("")), plain(someLake), ""},
		} {
			err := c.creations.of(c2.child)(&pulumi.ResourceHookArgs{Name: c2.child, NewInputs: resource.PropertyMap{
				"roleAssignmentName": c2.guid, "scope": c2.scope}})
			if c2.says == "" {
				assert.NoError(t, err, name)
			} else {
				assert.ErrorContains(t, err, c2.says, name)
			}
		}
		return nil
	}, pulumi.WithMocks("ours", "dev", otherHolds{})))
}

// The engine refuses a second hook of one name. Components of one name may have different parents.
func TestNoTwoHooksHaveOneName(t *testing.T) {
	t.Parallel()
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
		p := programOf(ctx)
		assert.Equal(t, "batchaccess role", p.hookName(ctx, "role"))
		assert.Equal(t, "batchaccess role (2)", p.hookName(ctx, "role"))
		assert.Equal(t, "batchaccess other", p.hookName(ctx, "other"))
		return nil
	}, pulumi.WithMocks("ours", "dev", otherHolds{})))
	of, err := pulumi.NewContext(construct.With(t.Context(), construct.Request{URN: "urn:a"}),
		pulumi.RunInfo{Project: "ours", Stack: "dev", Mocks: otherHolds{}})
	require.NoError(t, err)
	assert.Equal(t, "batchaccess role of urn:a", programOf(of).hookName(of, "role"))
}

// Azure compares names without regard to case. In an application a credential's name is its display name.
func TestANameInAzureIsFoundInOtherLetters(t *testing.T) {
	t.Parallel()
	d := deployed{outputs: map[string]map[string]any{"a": {"name": "Main"}, "b": {"displayName": "Main"},
		"c": {"name": 1}}}
	for urn, called := range map[string]bool{"a": true, "b": true, "c": false, "d": false} {
		assert.Equal(t, called, d.called(urn, "mAIN"), urn)
		assert.False(t, d.called(urn, "main2"), urn)
	}
}
