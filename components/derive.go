package components

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/arm"
)

// derive makes a text from texts. From plain texts it makes plain text, which is known before the deployment, so that
// it can be checked and reviewed. It is also much cheaper than an Output if there are thousands.
func derive(of func(parts []string) (string, error), from ...pulumi.StringInput) pulumi.StringInput {
	parts := make([]string, len(from))
	for i, in := range from {
		s, ok := plain(in)
		if !ok {
			return derived(of, from)
		}
		parts[i] = s
	}
	made, err := of(parts)
	if err != nil {
		// so that Pulumi reports the error like any other that is found during the deployment
		return derived(of, from)
	}
	return pulumi.String(made)
}

// derived first makes every input a StringOutput: a resource's ID() resolves to a pulumi.ID, not a string.
func derived(of func([]string) (string, error), from []pulumi.StringInput) pulumi.StringOutput {
	all := make(pulumi.StringArray, len(from))
	for i, in := range from {
		all[i] = in.ToStringOutput()
	}
	return all.ToStringArrayOutput().ApplyT(of).(pulumi.StringOutput)
}

// pointer passes a text as an optional one.
func pointer(in pulumi.StringInput) pulumi.StringPtrInput {
	if p, ok := in.(pulumi.StringPtrInput); ok {
		return p
	}
	return in.ToStringOutput().ToStringPtrOutput()
}

// armParts returns the resource group and the name in the ARM ID of a resource of the type.
func armParts(id pulumi.StringInput, resourceType string) (group, name pulumi.StringInput) {
	part := func(of func(arm.ID) string) pulumi.StringInput {
		return derive(func(v []string) (string, error) {
			parsed, err := arm.Parse(v[0], resourceType)
			return of(parsed), err
		}, id)
	}
	return part(func(id arm.ID) string { return id.ResourceGroup }), part(func(id arm.ID) string { return id.Name })
}

// workspaceParts returns the resource group and the name in a workspace's ARM ID.
func workspaceParts(id pulumi.StringInput) (group, name pulumi.StringInput) {
	return armParts(id, arm.Workspace)
}
