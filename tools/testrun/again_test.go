package main

import (
	"testing"

	"github.com/batchaccess/batchaccess/tools/internal/again"
)

func TestGoTestsAgainWhenTheSourcesChange(*testing.T) { again.IfChanged() }
