package python_test

import (
	_ "embed"
	"testing"

	"github.com/batchaccess/batchaccess/internal/machine"
)

// requirements pins every package, as pip freeze prints them.
//
//go:embed requirements.txt
var requirements []byte

// interpreter is the Python of an environment with the requirements.
func interpreter(t *testing.T) string {
	t.Helper()
	return machine.Python(t, "azure-cli and azure-ai-ml", requirements)
}
