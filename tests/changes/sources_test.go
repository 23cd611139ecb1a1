package changes

import (
	"testing"

	"github.com/batchaccess/batchaccess/internal/sources"
)

func TestGoTestsAgainWhenAProgramThatIsBuiltHereChanges(t *testing.T) { sources.Look(t, "../..") }
