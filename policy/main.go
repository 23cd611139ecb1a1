// Policy is a Pulumi policy pack: the rules of package guardrails, each a policy of its own, asked about every resource
// that a preview or a deployment registers.
//
//	pulumi preview --policy-pack policy
//	pulumi up --policy-pack policy --policy-pack-config guardrails.json
//
// The configuration has an entry for each policy that is to differ from the default, with its level and its settings,
// such as {"secret-lifetime": {"enforcementLevel": "mandatory", "maxSecretDays": 90}, "cluster-ssh": "advisory"}.
//
// Pulumi takes the runtime from PulumiPolicy.yaml, finds the language host for Go, and has it build this folder and
// run what it built (RunPlugin): so the pack needs the Go command and no installation. It is looked up as a plugin,
// on PATH, beside the CLI or among the project's own plugins, even where a language host is attached with
// PULUMI_DEBUG_LANGUAGES; the sandbox names one for that reason. A pack that is built already needs neither Go nor
// the host: `go build -o guardrails ./policy`, then `--policy-pack ./guardrails` (Pulumi 3.255 or later).
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
