package main

import (
	"cmp"
	"context"
	"net/http"
	"os"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// cloudOf returns Azure's addresses: from ARM_METADATA_HOSTNAME, or else those of the cloud that environment names.
func cloudOf(ctx context.Context, client *http.Client, environment string) (azure.Cloud, error) {
	if host := metadataHost(); host != "" {
		return azure.Discover(ctx, client, host)
	}
	return azure.CloudOf(environment)
}

// metadataHost returns the variable that Azure's other clients read, under either of its names.
func metadataHost() string {
	return cmp.Or(os.Getenv("ARM_METADATA_HOSTNAME"), os.Getenv("ARM_METADATA_HOST"))
}

// environment returns the name of the cloud: the stack's; without a stack, ARM_ENVIRONMENT's, or that of the cloud of
// the given endpoint address.
func (i *invocation) environment(s *stackOf) string {
	if s != nil {
		return s.model().Environment
	}
	if word := components.EnvironmentWord(os.Getenv("ARM_ENVIRONMENT")); word != "" {
		return word
	}
	row, _ := cloud.ByScoringURI(i.uri)
	return row.Environment
}
