// Package usage is what a process used of the machine. It knows how systems report that, and nothing else.
package usage

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Usage is what one process used from its start to its end.
type Usage struct {
	Wall time.Duration // from start to end
	CPU  time.Duration // in user and system mode, with the processes that it started and waited for
	Peak int64         // of resident memory, in bytes: the largest of the process and those that it waited for
}

// Of returns what an ended process used; wall is how long it ran. The error says that the system does not report it.
func Of(state *os.ProcessState, wall time.Duration) (Usage, error) {
	peak, err := peakOf(state)
	if err != nil {
		return Usage{}, err
	}
	return Usage{Wall: wall, CPU: state.UserTime() + state.SystemTime(), Peak: peak}, nil
}

// Read reads a Usage that was written to a file as JSON.
func Read(file string) (Usage, error) {
	var u Usage
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, &u)
	}
	if err != nil {
		return u, fmt.Errorf("reading what a process used: %w", err)
	}
	return u, nil
}
