package facts

import (
	"strconv"
	"testing"

	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const unknown = "unknown"

func https(host string) string { return "https://" + host }

// ofClouds are the product's answers about differences between clouds; an input names a cloud by any word for it.
func ofClouds() asked {
	all := asked{
		"cloud of endpoint": func(_ *testing.T, input string) string {
			c, ok := cloud.ByScoringURI(input)
			return nameOr(c.Name, ok)
		},
		"cloud of storage": func(_ *testing.T, input string) string {
			c, ok := cloud.ByStorageURL(input)
			return nameOr(c.Name, ok)
		},
		"cloud of authority": func(_ *testing.T, input string) string {
			c, ok := cloud.ByAuthority(https(input))
			return nameOr(c.Name, ok)
		},
		"portal's ML resource": func(_ *testing.T, input string) string { return cloud.MLAudienceOf(input) },
	}
	for kind, of := range map[string]func(c cloud.Cloud) string{
		"cloud":                      func(c cloud.Cloud) string { return c.Name },
		"cloud's ML resource":        func(c cloud.Cloud) string { return c.MLAudience },
		"cloud's Resource Manager":   func(c cloud.Cloud) string { return https(c.ResourceManager) },
		"cloud's Graph":              func(c cloud.Cloud) string { return https(c.Graph) },
		"cloud's storage":            func(c cloud.Cloud) string { return c.Storage },
		"cloud's token exchange":     func(c cloud.Cloud) string { return c.ExchangeAudience },
		"cloud's role assignments":   func(c cloud.Cloud) string { return strconv.Itoa(c.MaxRoleAssignments) },
		"cloud's custom roles":       func(c cloud.Cloud) string { return strconv.Itoa(c.MaxCustomRoles) },
		"azure-native's environment": func(c cloud.Cloud) string { return c.Environment },
	} {
		all[kind] = func(_ *testing.T, input string) string {
			c, ok := cloud.ByEnvironment(input)
			if !ok {
				return unknown
			}
			return of(c)
		}
	}
	return all
}

func nameOr(name string, ok bool) string {
	if !ok {
		return unknown
	}
	return name
}

// cloudsOfSandbox are the sandbox's answers.
func cloudsOfSandbox() asked {
	all := asked{
		"portal's ML resource": func(_ *testing.T, input string) string {
			for _, name := range []string{"public", "usgovernment", "china", "usnat", "ussec"} {
				if c, _ := azure.CloudNamed(name); c.Portal == input {
					return c.MachineLearning
				}
			}
			return unknown
		},
	}
	for kind, of := range map[string]func(c azure.Cloud) string{
		"cloud":                    func(c azure.Cloud) string { return c.Name },
		"cloud's ML resource":      func(c azure.Cloud) string { return c.MachineLearning },
		"cloud's Resource Manager": func(c azure.Cloud) string { return c.Management[1] },
		"cloud's older Resource Manager audience": func(c azure.Cloud) string {
			return c.Management[0]
		},
		"cloud's Graph":            func(c azure.Cloud) string { return c.Graph },
		"cloud's storage":          func(c azure.Cloud) string { return c.Storage },
		"cloud's token exchange":   func(c azure.Cloud) string { return c.Exchange },
		"cloud's role assignments": func(c azure.Cloud) string { return strconv.Itoa(c.MaxAssignments) },
		"cloud's custom roles":     func(c azure.Cloud) string { return strconv.Itoa(c.MaxRoles) },
		"cloud's registries":       func(c azure.Cloud) string { return c.Registries },
		"cloud's workspace API":    func(c azure.Cloud) string { return c.Workspaces },
	} {
		all[kind] = func(_ *testing.T, input string) string {
			c, ok := azure.CloudNamed(input)
			if !ok {
				return unknown
			}
			return of(c)
		}
	}
	return all
}
