package invoke_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/invoke"
)

func TestATokenFollowsALinkOnlyWhereItIsFor(t *testing.T) {
	t.Parallel()
	const arm, graph = "https://management.azure.com", "https://graph.microsoft.com/v1.0"
	for link, base := range map[string]string{
		"https://management.azure.com/subscriptions/s?$skipToken=x":     arm,
		"https://management.azure.com:443/subscriptions/s?$skipToken=x": arm,
		"HTTPS://Management.Azure.Com/x":                                arm,
		"https://graph.microsoft.com/v1.0/users?$skiptoken=x":           graph,
		"https://graph.microsoft.com:443/V1.0/users":                    graph,
		"https://127.0.0.1:8443/x":                                      "https://127.0.0.1:8443",
	} {
		assert.True(t, invoke.Below(base, link), link)
	}
	for link, base := range map[string]string{
		"http://management.azure.com/x":                    arm,
		"https://management.azure.com.elsewhere.example/x": arm,
		"https://management.azure.com:8443/x":              arm,
		"https://management.azure.com@elsewhere.example/x": arm,
		"https://someone@management.azure.com/x":           arm,
		"https://management.azure.com":                     arm,
		"//management.azure.com/x":                         arm,
		"/subscriptions/s":                                 arm,
		"https://%zz/":                                     arm,
		"https://graph.microsoft.com/beta/users":           graph,
		"https://graph.microsoft.com/v1.0elsewhere/users":  graph,
		"https://127.0.0.1:8444/x":                         "https://127.0.0.1:8443",
	} {
		assert.False(t, invoke.Below(base, link), link)
	}
	assert.False(t, invoke.Below("https://%zz/", "https://%zz/"))
}
