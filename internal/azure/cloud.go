package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// A Cloud has the addresses of Entra and Resource Manager.
type Cloud struct {
	// Authority is Entra's address, such as https://login.microsoftonline.com.
	Authority string
	// ResourceManager is its address, ManagementAudience the audience of its tokens.
	ResourceManager    string
	ManagementAudience string
	// Graph is Microsoft Graph's address, and the audience of its tokens.
	Graph string
	// MLAudience is the audience of tokens for batch endpoints; "" if the cloud does not say it.
	MLAudience string
	// TenantID is the cloud's only tenant; "" if it has many, as public Azure does.
	TenantID string
}

// PublicCloud returns public Azure.
func PublicCloud() Cloud { return known(cloud.Public()) }

func known(row cloud.Cloud) Cloud {
	c := Cloud{
		Authority:          "https://" + row.Authority,
		ResourceManager:    "https://" + row.ResourceManager,
		ManagementAudience: "https://" + row.ResourceManager,
		MLAudience:         row.MLAudience,
	}
	if row.Graph != "" {
		c.Graph = "https://" + row.Graph
	}
	return c
}

// CloudOf returns the cloud that azure-native:environment or ARM_ENVIRONMENT names; "" is public Azure.
func CloudOf(environment string) (Cloud, error) {
	row, ok := cloud.ByEnvironment(environment)
	if !ok {
		return Cloud{}, fmt.Errorf("the cloud %q is not known: %s, or name the host that its metadata comes from in "+
			"ARM_METADATA_HOSTNAME",
			environment, problem.DidYouMean(environment, cloud.Environments()))
	}
	return known(row), nil
}

// ofMicrosoft reports whether Entra's instance discovery knows the authority. For any other the discovery has to be
// switched off.
func (c Cloud) ofMicrosoft() bool {
	_, ok := cloud.ByAuthority(c.Authority)
	return ok
}

// Configuration returns the cloud for the Azure SDK's clients.
func (c Cloud) Configuration() azcloud.Configuration {
	services := map[azcloud.ServiceName]azcloud.ServiceConfiguration{
		azcloud.ResourceManager: {Endpoint: c.ResourceManager, Audience: c.ManagementAudience},
	}
	return azcloud.Configuration{ActiveDirectoryAuthorityHost: c.Authority, Services: services}
}

// metadata is the document of Resource Manager's /metadata/endpoints.
type metadata struct {
	ResourceManager string `json:"resourceManager"`
	Graph           string `json:"microsoftGraphResourceId"`
	Portal          string `json:"portal"`
	Authentication  struct {
		LoginEndpoint string   `json:"loginEndpoint"`
		Audiences     []string `json:"audiences"`
		Tenant        string   `json:"tenant"`
	} `json:"authentication"`
}

// mlAudience returns the audience of tokens for batch endpoints: by the cloud's name in the document, or by the address
// of the portal, as azure-ai-ml derives it (facts/clouds.md).
func (m metadata) mlAudience() string {
	for _, address := range append([]string{m.ResourceManager}, m.Authentication.Audiences...) {
		if row, ok := cloud.ByResourceManager(address); ok {
			return row.MLAudience
		}
	}
	return cloud.MLAudienceOf(m.Portal)
}

// Unreached is the error of a cloud that does not answer where its services are.
type Unreached struct{ error }

// Unwrap returns the reason.
func (u *Unreached) Unwrap() error { return u.error }

// Discover asks the host (and port) in ARM_METADATA_HOSTNAME for the addresses of all services, as Azure's other
// clients do; "" means public Azure, which is not asked.
func Discover(ctx context.Context, client *http.Client, host string) (Cloud, error) {
	if host == "" {
		return PublicCloud(), nil
	}
	at := "https://" + host + "/metadata/endpoints?api-version=2022-09-01"
	failed := func(err error) (Cloud, error) {
		return Cloud{}, &Unreached{fmt.Errorf("the cloud that ARM_METADATA_HOSTNAME names can't be asked where it is: %w\n  "+
			"unset ARM_METADATA_HOSTNAME for public Azure", err)}
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
		MLAudience:      found.mlAudience(),
	}
	for _, audience := range found.Authentication.Audiences {
		if _, row := cloud.ByResourceManager(audience); c.ManagementAudience == "" || row {
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
