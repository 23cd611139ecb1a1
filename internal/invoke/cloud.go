package invoke

import (
	"fmt"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// checkHost refuses to send a token to an endpoint in another cloud than the token's.
func checkHost(c azure.Cloud, uri string) error {
	row, ok := cloud.ByScoringURI(uri)
	if !ok || row.MLAudience == c.MLAudience {
		return nil
	}
	return &Failure{
		Kind: Request,
		What: fmt.Sprintf("the endpoint %s lies in the cloud %s, and the token would be for %s, another cloud's", uri,
			row.Name, c.MLAudience),
		Remedy: []string{
			"set ARM_ENVIRONMENT=" + row.Environment + " (and azure-native:environment in the stack), and leave out " +
				"ARM_METADATA_HOSTNAME",
		},
	}
}

// Curl returns the commands that start the job: the first gets the token. An address in no known cloud counts as c's.
func Curl(c azure.Cloud, uri, deployment string, request jobrequest.Request) (string, error) {
	command, err := request.Curl(uri, deployment)
	return jobrequest.Token(uri, c.MLAudience) + "\n" + command + "\n", err
}
