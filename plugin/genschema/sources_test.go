package main

import (
	"testing"

	"github.com/batchaccess/batchaccess/internal/sources"
)

func TestGoTestsAgainWhenTheSourcesChange(t *testing.T) { sources.Look(t, "../..") }
