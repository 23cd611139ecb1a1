// Package again is for tests that read files outside of the module tools, whose changes Go does not see: it would
// repeat their last result.
package again

import "os"

// IfChanged makes Go run a package's tests again when a file of the repository has changed that is neither a test nor a
// page, if tools/testrun runs them.
func IfChanged() { _ = os.Getenv("BATCHACCESS_SOURCES") }
