package components

import (
	"fmt"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/construct"
	"github.com/batchaccess/batchaccess/internal/hooks"
)

// A check says what is wrong with a resource that is to be created.
type check = func(*pulumi.ResourceHookArgs) error

// beforeCreate returns the option of a resource that is checked before it is created, in a preview too. An error of the
// check fails the deployment. A resource that exists is not checked. The check may read the state before. The name says
// what is checked.
func beforeCreate(ctx *pulumi.Context, name string, do check) (pulumi.ResourceOption, error) {
	if hooks.Off(ctx.Context()) {
		return pulumi.ResourceHooks(nil), nil
	}
	programOf(ctx).before.prepare(ctx)
	hook, err := ctx.RegisterResourceHook(programOf(ctx).hookName(ctx, name), do,
		&pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, fmt.Errorf("registering the check of %s: %w", name, err)
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}}), nil
}

// hookName returns a name for a hook. The engine takes each once in a deployment, and two components may have one name
// below different parents. Components in other languages each have their own program here, and say their URN.
func (p *program) hookName(ctx *pulumi.Context, name string) string {
	if urn := construct.Of(ctx.Context()).URN; urn != "" {
		name += " of " + urn
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hooks[name]++; p.hooks[name] > 1 {
		return fmt.Sprintf("batchaccess %s (%d)", name, p.hooks[name])
	}
	return "batchaccess " + name
}

// A creations holds the checks of a component's children by their names. They share one hook: the engine is asked to
// register each, and there may be thousands of children.
type creations struct {
	sync.Mutex
	hook   pulumi.ResourceOption
	checks map[string]check
}

// beforeCreate returns the option of the named child, as the function does.
func (c *creations) beforeCreate(ctx *pulumi.Context, of pulumi.Resource, name string, do check) (pulumi.ResourceOption,
	error) {
	c.Lock()
	defer c.Unlock()
	if c.hook == nil {
		hook, err := beforeCreate(ctx, fmt.Sprintf("%T %s", of, of.PulumiResourceName()),
			func(args *pulumi.ResourceHookArgs) error { return c.of(args.Name)(args) })
		if err != nil {
			return nil, err
		}
		c.hook, c.checks = hook, map[string]check{}
	}
	c.checks[name] = do
	return c.hook, nil
}

func (c *creations) of(name string) check {
	c.Lock()
	defer c.Unlock()
	return c.checks[name]
}
