package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// refuseTaken returns the option of what a component makes under a name in Azure that is given: a preview fails if
// another component of this stack has that name. The engine deletes last, so Azure would refuse the second one in the
// middle of the deployment. inAzure returns the end of the ID that the resource is to have, in lower case; "" if the
// preview does not know it. A component with aliases may be that other one, renamed: it is not checked.
func refuseTaken(
	ctx *pulumi.Context, token, name string, aliases bool, inAzure func(inputs resource.PropertyMap) string,
) (pulumi.ResourceOption, error) {
	if aliases {
		return pulumi.ResourceHooks(nil), nil
	}
	kind := kindOf(token)
	return beforeCreate(ctx, fmt.Sprintf("name of %s %s", kind, name), func(args *pulumi.ResourceHookArgs) error {
		before, _ := programOf(ctx).before.read(ctx) // if the state can't be read, nothing is refused here
		end := inAzure(args.NewInputs)
		if by := before.holder(token, name, end); by != "" {
			return fmt.Errorf("%s %s: its name in Azure, %s, is that of %s until the end of this deployment; give "+
				"it another name, or rename or delete %s in a deployment of its own before", kind, name,
				lastSegment(end), by, by)
		}
		return nil
	})
}

// holder returns the component of this type, but for the named one, whose resource has an ID with this end.
func (d deployed) holder(token, but, end string) string {
	if end == "" {
		return ""
	}
	for urn, outputs := range d.outputs {
		id, _ := outputs["resourceId"].(string)
		name := urn[strings.LastIndex(urn, "::")+2:]
		if strings.HasSuffix(urn, token+"::"+name) && name != but && strings.HasSuffix(slashless(id), end) {
			return name
		}
	}
	return ""
}

// called reports whether the resource with the URN has this name in Azure: a federated credential has name, or
// displayName in an application.
func (d deployed) called(urn, name string) bool {
	for _, key := range []string{"name", "displayName"} {
		if text, is := d.outputs[urn][key].(string); is && strings.EqualFold(text, name) {
			return true
		}
	}
	return false
}

// idEnd joins inputs to the end of an ARM ID: segments, each before the input with that key. It returns "" if an input
// is not known.
func idEnd(segmentsAndKeys ...string) func(resource.PropertyMap) string {
	return func(inputs resource.PropertyMap) string {
		var end strings.Builder
		for at := 0; at < len(segmentsAndKeys); at += 2 {
			value := inputs[resource.PropertyKey(segmentsAndKeys[at+1])]
			if !value.IsString() || value.StringValue() == "" {
				return ""
			}
			end.WriteString(segmentsAndKeys[at] + value.StringValue())
		}
		return strings.ToLower(end.String())
	}
}

// aliased reports whether the options give a resource earlier names.
func aliased(opts []pulumi.ResourceOption) bool {
	snapshot, err := pulumi.NewResourceOptions(opts...)
	return err == nil && len(snapshot.Aliases) > 0
}
