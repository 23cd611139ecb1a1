package visible_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/internal/visible"
)

func TestManyNamesAreCutAndCounted(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"": {}, "a": {"a"}, "a, b": {"a", "b"},
		"a, b and 1 more": {"a", "b", "c"}, "a, b and 3 more": {"a", "b", "c", "d", "e"},
	} {
		assert.Equal(t, want, visible.Some(names, 2))
	}
}
