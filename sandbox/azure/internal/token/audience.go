package token

import (
	"net/url"
	"strings"
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

// audiences are the resource URIs of each service in public Azure; a trailing slash makes no difference.
var audiences = map[string]Service{
	"https://management.azure.com":        ResourceManager,
	"https://management.core.windows.net": ResourceManager,
	"https://graph.microsoft.com":         Graph,
	"https://ml.azure.com":                MachineLearning,
	"https://storage.azure.com":           Storage,
}

// ServiceOf tells which service a resource URI stands for. The sandbox's own addresses count too, on whatever port it
// listened when the token was asked for, since the metadata that clients read names them.
func ServiceOf(resource string) (Service, bool) {
	resource = strings.ToLower(strings.TrimRight(resource, "/"))
	if service, ok := audiences[resource]; ok {
		return service, true
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
