package azure

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// connections are the connections on which a request is being answered. http.Server.Shutdown does not know this for
// HTTP/2: it announces the end, and then waits a second even if nobody asks for more.
type connections struct {
	mu      sync.Mutex
	busy    map[net.Conn]bool
	changed chan struct{} // closed at the next change
}

func newConnections() *connections {
	return &connections{busy: map[net.Conn]bool{}, changed: make(chan struct{})}
}

// note is the server's ConnState hook.
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

// idle waits until no request is being answered, or until ctx is done.
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
