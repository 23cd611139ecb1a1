package accesstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const stackReference = "pulumi:pulumi:StackReference"

// StackOutputs sets another stack's outputs, for a program that reads them through a StackReference: the name is the
// one in the program, such as contoso/roles/prod.
func StackOutputs(name string, outputs map[string]any) pulumi.RunOption {
	return func(info *pulumi.RunInfo) {
		if m, ok := info.Mocks.(*mocks); ok {
			m.outputs[name] = resource.NewPropertyMapFromMap(outputs)
		}
	}
}

// otherStack answers a StackReference. Without given outputs it fails: made-up ones would hide that the test gives
// none.
func (m *mocks) otherStack(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	name := textOf(args.Inputs, "name")
	outputs, ok := m.outputs[name]
	if !ok {
		return "", nil, fmt.Errorf("the program refers to stack %q, of which the test says nothing (it knows: %s); give "+
			"its outputs with accesstest.StackOutputs", name, strings.Join(slices.Sorted(maps.Keys(m.outputs)), ", "))
	}
	return name, resource.PropertyMap{
		"name": resource.NewProperty(name), "outputs": resource.NewProperty(
			outputs), "secretOutputNames": resource.NewProperty([]resource.PropertyValue{}),
	}, nil
}
