package attach_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/standin/attach"
)

// The server checks no credentials, like Pulumi's own plugins, so it must not be reachable from other machines.
func TestAPluginListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	port, stop, err := attach.Serve(&pulumirpc.LanguageRuntime_ServiceDesc,
		func() any { return pulumirpc.UnimplementedLanguageRuntimeServer{} })
	require.NoError(t, err)
	defer func() { assert.NoError(t, stop()) }()
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	reached := 0
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || network.IP.IsLinkLocalUnicast() {
			continue
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(network.IP.String(), strconv.Itoa(port)), time.Second)
		if err == nil {
			reached++
			assert.True(t, network.IP.IsLoopback(), "it answers at %s", network.IP)
			assert.NoError(t, conn.Close())
		}
	}
	assert.Positive(t, reached, "it answers somewhere")
}
