package main

import _ "embed" // for the stack

const location = "westeurope"

//go:embed stack.yaml
var stackText string
