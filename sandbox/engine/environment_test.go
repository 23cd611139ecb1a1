package engine

import "testing"

// Nothing of the user's sign-in reaches what runs in the sandbox. The name of the cloud does: the program reads it.
func TestWhatIsTakenFromTheEnvironment(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"ARM_CLIENT_SECRET": true, "ARM_METADATA_HOSTNAME": true, "ARM_ENVIRONMENT": false, "HOME": false,
	} {
		if isTaken(name) != want {
			t.Errorf("isTaken(%s) is %t", name, !want)
		}
	}
}
