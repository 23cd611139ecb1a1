package azure_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/internal/azure"
)

func TestARegistrysModeIsKnownOrNot(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]struct{ abac, known bool }{
		"AbacRepositoryPermissions": {true, true}, "abacrepositorypermissions": {true, true},
		"LegacyRegistryPermissions": {false, true}, "LEGACYREGISTRYPERMISSIONS": {false, true},
		"": {}, "Other": {}, "AbacRepositoryPermissions2": {},
	} {
		var r azure.ContainerRegistry
		r.Properties.Mode = mode
		abac, known := r.ABAC()
		assert.Equal(t, want, struct{ abac, known bool }{abac, known}, mode)
	}
}
