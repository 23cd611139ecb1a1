package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/hooks"
)

// beforeCreate returns the option of a resource that is checked before it is created, in a preview too. An error of the
// check fails the deployment. A resource that exists is not checked. The check may read the state before. The name must
// be unique in the program.
func beforeCreate(
	ctx *pulumi.Context, name string, check func(*pulumi.ResourceHookArgs) error,
) (pulumi.ResourceOption, error) {
	if hooks.Off(ctx.Context()) {
		return pulumi.ResourceHooks(nil), nil
	}
	programOf(ctx).before.prepare(ctx)
	hook, err := ctx.RegisterResourceHook("batchaccess "+name, check, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, fmt.Errorf("registering the check of %s: %w", name, err)
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}}), nil
}
