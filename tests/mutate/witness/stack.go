package main

import (
	"embed"

	"github.com/batchaccess/batchaccess/internal/world"
)

//go:embed *.yaml within.json
var stacks embed.FS

// stacksInOrder are the stacks, those that find most mistakes first.
var stacksInOrder = []string{"stack.yaml", "rest.yaml", "more.yaml", "within.yaml", "callers.yaml", "china.yaml",
	"usgovernment.yaml"}

// worlds are the worlds in which stacks are rehearsed, by stack. For other stacks Azure has only what they refer to.
var worlds = map[string]string{"within.yaml": "within.json"}

// worldOf is the Azure in which a stack is rehearsed; nil if it has only what the stack refers to.
func worldOf(stack string) (*world.World, error) {
	file, known := worlds[stack]
	if !known {
		return nil, nil
	}
	text, err := stacks.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return world.Parse(text)
}
