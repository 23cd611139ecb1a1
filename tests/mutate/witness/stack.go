package main

import "embed"

const location = "westeurope"

//go:embed stack.yaml rest.yaml more.yaml
var stacks embed.FS
