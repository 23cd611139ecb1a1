package invoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// A Cloud is where Entra and Resource Manager are.
type Cloud struct {
	// Authority is Entra's address, such as https://login.microsoftonline.com.
	Authority string
	// ResourceManager is its address, ManagementAudience what its tokens are for.
	ResourceManager    string
	ManagementAudience string
	// Graph is Microsoft Graph's address, and what its tokens are for.
	Graph string
	// TenantID is that of the cloud's only tenant; "" where it has many, as public Azure does.
	TenantID string
}

// PublicCloud is Azure.
func PublicCloud() Cloud {
	return Cloud{
		Authority:          "https://login.microsoftonline.com",
		ResourceManager:    "https://management.azure.com",
		ManagementAudience: "https://management.azure.com",
		Graph:              "https://graph.microsoft.com",
	}
}

// microsoftAuthorities are the hosts that Entra itself vouches for. Any other is not known to its instance discovery,
// which must be left out there.
var microsoftAuthorities = []string{
	"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net",
	"login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn",
}

// ofMicrosoft reports whether instance discovery knows the authority.
func (c Cloud) ofMicrosoft() bool {
	u, err := url.Parse(c.Authority)
	return err == nil && slices.Contains(microsoftAuthorities, strings.ToLower(u.Host))
}

// Configuration is the cloud as the Azure SDK's clients take it.
func (c Cloud) Configuration() cloud.Configuration {
	return cloud.Configuration{ActiveDirectoryAuthorityHost: c.Authority, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
		cloud.ResourceManager: {Endpoint: c.ResourceManager, Audience: c.ManagementAudience},
	}}
}

// metadata is the document of Resource Manager's /metadata/endpoints.
type metadata struct {
	ResourceManager string `json:"resourceManager"`
	Graph           string `json:"microsoftGraphResourceId"`
	Authentication  struct {
		LoginEndpoint string   `json:"loginEndpoint"`
		Audiences     []string `json:"audiences"`
		Tenant        string   `json:"tenant"`
	} `json:"authentication"`
}

// Discover asks the host (and port) that the variable ARM_METADATA_HOSTNAME names where everything is, as Azure's other
// clients do; "" means public Azure, which needs no asking.
func Discover(ctx context.Context, client *http.Client, host string) (Cloud, error) {
	if host == "" {
		return PublicCloud(), nil
	}
	at := "https://" + host + "/metadata/endpoints?api-version=2022-09-01"
	failed := func(err error) (Cloud, error) {
		return Cloud{}, &Failure{Kind: Network, What: fmt.Sprintf("the cloud that ARM_METADATA_HOSTNAME names can't be asked where it is: %v", err),
			Remedy: []string{"unset ARM_METADATA_HOSTNAME for public Azure"}, cause: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return failed(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return failed(err)
	}
	defer resp.Body.Close()
	var found metadata
	if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
		return failed(fmt.Errorf("reading %s (HTTP %d): %w", at, resp.StatusCode, err))
	}
	c := Cloud{
		Authority:       strings.TrimRight(found.Authentication.LoginEndpoint, "/"),
		ResourceManager: strings.TrimRight(found.ResourceManager, "/"),
		Graph:           strings.TrimRight(found.Graph, "/"),
	}
	for _, audience := range found.Authentication.Audiences {
		if c.ManagementAudience == "" || strings.Contains(audience, "://management.azure.com") {
			c.ManagementAudience = strings.TrimRight(audience, "/")
		}
	}
	if tenant := found.Authentication.Tenant; tenant != "common" {
		c.TenantID = tenant
	}
	if c.Authority == "" || c.ResourceManager == "" || c.ManagementAudience == "" {
		return failed(fmt.Errorf("%s (HTTP %d) names no login endpoint or no resource manager", at, resp.StatusCode))
	}
	return c, nil
}

// Below reports whether a link lies below an address of the cloud's, so that what is sent there may go to the link. Hosts are
// the same whatever the case of their letters, and with or without the port that is the default: Resource Manager names it in
// some of its links to next pages.
func Below(address, link string) bool {
	from, err := url.Parse(address)
	if err != nil {
		return false
	}
	to, err := url.Parse(link)
	if err != nil || to.User != nil {
		return false
	}
	path := strings.TrimSuffix(strings.ToLower(from.Path), "/") + "/"
	return strings.EqualFold(from.Scheme, to.Scheme) && strings.EqualFold(from.Hostname(), to.Hostname()) && port(from) == port(to) &&
		strings.HasPrefix(strings.ToLower(to.Path), path)
}

func port(u *url.URL) string {
	if u.Port() == "" && strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return u.Port()
}
