package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/hooks"
)

// beforeCreate is the option of a resource of which a check is made before it is created, in a preview too: its error
// fails the deployment. What is there already is not checked. The name is one of its own in the program.
func beforeCreate(
	ctx *pulumi.Context, name string, check func(*pulumi.ResourceHookArgs) error,
) (pulumi.ResourceOption, error) {
	if hooks.Off(ctx.Context()) {
		return pulumi.ResourceHooks(nil), nil
	}
	hook, err := ctx.RegisterResourceHook("batchaccess "+name, check, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, fmt.Errorf("registering the check of %s: %w", name, err)
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}}), nil
}
