// Policy is a Pulumi policy pack: the rules of package guardrails, each a policy, which check every resource that a
// preview or a deployment registers.
//
//	pulumi preview --policy-pack policy
//	pulumi up --policy-pack policy --policy-pack-config guardrails.json
//
// The configuration has an entry for each policy that differs from the default, with its level and its settings, such
// as {"secret-lifetime": {"enforcementLevel": "mandatory", "maxSecretDays": 90}, "cluster-ssh": "advisory"}.
//
// Pulumi reads the runtime in PulumiPolicy.yaml, finds the language host for Go, and makes it build this folder and run
// the result (RunPlugin): so the pack needs the Go command and no installation. Pulumi looks for the host as a plugin,
// on PATH, beside the CLI or among the project's own plugins, even if a language host is attached with
// PULUMI_DEBUG_LANGUAGES; the sandbox names one for that reason. A pack that is built already needs neither Go nor the
// host: `go build -o guardrails ./policy`, then `--policy-pack ./guardrails` (Pulumi 3.255 or later).
//
// The package must not judge anything itself: the rules are in guardrails.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"
)

func main() {
	if err := policyx.Main(newPack); err != nil {
		fmt.Fprintln(os.Stderr, "policy pack:", err)
		os.Exit(1)
	}
}
