package arm

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
)

// A GUID of ours is the one that the uuid library makes.
func FuzzGUIDsAreThoseOfTheLibrary(f *testing.F) {
	f.Add("/subscriptions/1", "A", "b")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/batchaccess/batchaccess"))
		assert.Equal(t, uuid.NewSHA1(space, []byte(strings.ToLower(a+"|"+b+"|"+c))).String(), GUID(a, b, c))
	})
}
