package invoke

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// fromInside is the article's advice about private-link workspaces.
var fromInside = []string{
	"a private-link workspace can be invoked from inside its network, over REST, this command or the Azure CLI (not " +
		"from the studio)",
	"run this from a machine in that network or one connected to it (VPN, ExpressRoute, peering), which resolves names " +
		"through its private DNS zone",
}

// unreachable explains why there was no answer.
func unreachable(ctx context.Context, k call, err error) *Failure {
	host := k.uri
	if u, parsed := url.Parse(k.uri); parsed == nil {
		host = u.Hostname()
	}
	f := &Failure{Kind: Network, cause: err}
	var certificate *tls.CertificateVerificationError
	var dial *net.OpError
	switch {
	case azure.UnknownHost(err):
		f.What = fmt.Sprintf("could not %s: this machine's DNS does not know %s: there is no such endpoint, or it belongs "+
			"to a private-link workspace and its name is known in that network alone", k.doing, host)
		f.Remedy = fromInside
	case errors.As(err, &certificate):
		f.What = fmt.Sprintf("could not %s: the certificate of %s is not trusted: %v", k.doing, host, certificate.Err)
		f.Remedy = []string{"a proxy that opens TLS has a certificate authority of its own: add it to the system's, or " +
			"name its file in SSL_CERT_FILE"}
	case errors.As(err, &dial) && dial.Op == "dial":
		f.What = fmt.Sprintf("could not %s: %s does not accept a connection: %v", k.doing, host, dial.Err)
		f.Remedy = []string{compareAddress + ", and look whether a firewall or a proxy stands between"}
		if address, private := privateAddress(ctx, host); private {
			f.What = fmt.Sprintf("could not %s: %s resolves to the private address %s, which can't be reached from here: it "+
				"belongs to a private-link workspace", k.doing, host, address)
			f.Remedy = fromInside
		}
	default:
		f.What = fmt.Sprintf("could not %s: the connection to %s broke: %v", k.doing, host, innermost(err))
		f.Remedy = []string{"try again; look whether a firewall or a proxy stands between"}
		if k.method == http.MethodPost {
			f.Remedy = []string{mayHaveStarted(k.uri)}
		}
	}
	return f
}

// mayHaveStarted says what to do if it is not known whether a job was started.
func mayHaveStarted(uri string) string {
	return "the job may have been started all the same, and is not started again by itself: before you start " +
		"another, " + lookForIt(uri)
}

// lookForIt is the command that lists the endpoint's jobs.
func lookForIt(uri string) string {
	endpoint := "<endpoint>"
	if u, err := url.Parse(uri); err == nil {
		if _, ok := cloud.ByScoringURI(uri); ok {
			endpoint, _, _ = strings.Cut(u.Hostname(), ".")
		} else if parts := strings.Split(strings.Trim(u.Path, "/"), "/"); len(parts) > 1 {
			endpoint = parts[len(parts)-2]
		}
	}
	return "look for it in the endpoint's jobs: az ml batch-endpoint list-jobs --name " + shellWord(clean(endpoint)) +
		" --resource-group <group> --workspace-name <workspace>"
}

// innermost removes the address that net/http puts before an error.
func innermost(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// privateAddress returns a host's address in a private network, which a host behind a private endpoint has.
func privateAddress(ctx context.Context, host string) (netip.Addr, bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, false
	}
	for _, address := range addresses {
		if address = address.Unmap(); address.IsPrivate() {
			return address, true
		}
	}
	return netip.Addr{}, false
}
