package token

import (
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
)

// Service is an API that tokens are issued for.
type Service string

// The services that Entra knows here.
const (
	ResourceManager Service = "Azure Resource Manager"
	Graph           Service = "Microsoft Graph"
	MachineLearning Service = "Azure Machine Learning"
	Storage         Service = "Azure Storage"
)

// ServiceOf returns the service of a cloud that a resource URI means; a trailing slash makes no difference. The
// sandbox's own addresses count too, with any port, because the metadata that clients read names them and the port may
// have changed since the token was issued.
func ServiceOf(cloud clouds.Cloud, resource string) (Service, bool) {
	resource = strings.ToLower(strings.TrimRight(resource, "/"))
	switch {
	case slices.Contains(cloud.Management, resource):
		return ResourceManager, true
	case resource == cloud.Graph:
		return Graph, true
	case resource == cloud.MachineLearning:
		return MachineLearning, true
	case resource == clouds.StorageAudience:
		return Storage, true
	}
	u, err := url.Parse(resource)
	if err != nil || u.Scheme != "https" {
		return "", false
	}
	if host := u.Hostname(); host != "127.0.0.1" && host != "localhost" && host != "::1" {
		return "", false
	}
	switch u.Path {
	case "":
		return ResourceManager, true
	case "/graph":
		return Graph, true
	}
	return "", false
}
