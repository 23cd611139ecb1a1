package azure

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// connections are those on which an answer is under way. http.Server.Shutdown does not know this of HTTP/2: there it
// announces that it is about to go, and waits for a second whether anybody asks for more.
type connections struct {
	mu      sync.Mutex
	busy    map[net.Conn]bool
	changed chan struct{} // closed at the next change
}

func newConnections() *connections {
	return &connections{busy: map[net.Conn]bool{}, changed: make(chan struct{})}
}

// note is the server's hook.
func (c *connections) note(conn net.Conn, now http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now == http.StateActive {
		c.busy[conn] = true
	} else {
		delete(c.busy, conn)
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// idle waits until no answer is under way, or until ctx is done.
func (c *connections) idle(ctx context.Context) {
	for {
		c.mu.Lock()
		busy, changed := len(c.busy), c.changed
		c.mu.Unlock()
		if busy == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
