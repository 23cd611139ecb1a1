package pulumicli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// lock waits for the right to build, across processes. The operating system releases it when its holder dies.
func (c cache) lock(ctx context.Context, progress io.Writer) (unlock func(), err error) {
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for Pulumi CLIs: %w", err)
	}
	type result struct {
		unlock func()
		err    error
	}
	locked := make(chan result, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(filepath.Join(c.folder, "pulumi-"+Version+".lock")).Lock()
		locked <- result{unlock, err}
	}()

	other := time.After(time.Second)
	for {
		select {
		case r := <-locked:
			if r.err != nil {
				return nil, fmt.Errorf("locking the folder for Pulumi CLIs: %w", r.err)
			}
			return r.unlock, nil
		case <-other:
			fmt.Fprintf(progress, "another process builds pulumi %s: waiting for it\n", Version)
		case <-ctx.Done():
			go func() { // Lock takes no context: release a lock that arrives too late.
				if r := <-locked; r.err == nil {
					r.unlock()
				}
			}()
			return nil, fmt.Errorf("waiting for another process to build pulumi %s: %w", Version, context.Cause(ctx))
		}
	}
}
