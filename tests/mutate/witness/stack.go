package main

import (
	"embed"

	"github.com/batchaccess/batchaccess/internal/world"
)

const location = "westeurope"

//go:embed stack.yaml rest.yaml more.yaml within.yaml within.json
var stacks embed.FS

// worlds are the contents of Azure, by the stack that needs them. The other stacks' Azure has only what they refer to.
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
