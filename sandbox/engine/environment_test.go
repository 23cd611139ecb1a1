package engine

import "testing"

// A command in the sandbox gets nothing of the user's sign-in. It gets the name of the cloud, because the program reads
// it.
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
