package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// taken are the user's variables that do not reach a command: credentials for the real clouds, and what would lead
// Pulumi to another backend or secret. A trailing * stands for any end.
var taken = []string{
	"ARM_*", "AZURE_*", "MSI_*", "IDENTITY_*", "IMDS_ENDPOINT", "ACTIONS_ID_TOKEN_REQUEST_*",
	"PULUMI_ACCESS_TOKEN", "PULUMI_API", "PULUMI_CLOUD_URL", "PULUMI_BACKEND_URL", "PULUMI_CREDENTIALS_PATH",
	"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_SECRETS_PROVIDER",
	"PULUMI_CLOUD_SECRET_OVERRIDE", "VAULT_SERVER_*", "VAULT_AGENT_ADDR", "VAULT_PROXY_ADDR",
	"PULUMI_DEBUG_PROVIDERS", "PULUMI_DEBUG_LANGUAGES",
}

func isTaken(name string) bool {
	if name == "ARM_ENVIRONMENT" { // the program reads its cloud from it; see credentials
		return false
	}
	return slices.ContainsFunc(taken, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return name == pattern || open && strings.HasPrefix(name, prefix)
	})
}

// environment is the user's environment turned into that of the sandbox. Of a variable that is set twice, the later one
// counts.
func (e *Engine) environment(users, providers []string) []string {
	credentials := e.options.Azure.Deployer()
	var env []string
	for _, variable := range users {
		if name, _, _ := strings.Cut(variable, "="); !isTaken(name) && name != "PATH" {
			env = append(env, variable)
		}
	}
	env = append(env,
		"PATH="+strings.Join([]string{e.paths.commands, filepath.Dir(e.options.Pulumi), os.Getenv("PATH")},
			string(os.PathListSeparator)),
		"PULUMI_HOME="+e.paths.home,
		"PULUMI_BACKEND_URL="+backendURL(e.paths.backend),
		"PULUMI_CONFIG_PASSPHRASE_FILE="+e.paths.passphrase,
		"PULUMI_SKIP_UPDATE_CHECK=true",
		// A tenth of a rehearsal: a copy of the state beside each that is written, which nobody asks a sandbox for.
		"PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS=true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"ARM_TENANT_ID="+credentials.TenantID,
		"ARM_SUBSCRIPTION_ID="+credentials.SubscriptionID,
		"ARM_CLIENT_ID="+credentials.ClientID,
		"ARM_CLIENT_SECRET="+credentials.ClientSecret,
		// The real plugins differ in the name.
		"ARM_METADATA_HOSTNAME="+e.options.Azure.Host(),
		"ARM_METADATA_HOST="+e.options.Azure.Host(),
		// For curl, and for the Azure CLI's Python, a variable of their own goes before SSL_CERT_FILE.
		"SSL_CERT_FILE="+e.paths.certificates,
		"CURL_CA_BUNDLE="+e.paths.certificates,
		"REQUESTS_CA_BUNDLE="+e.paths.certificates,
	)
	env = append(env, e.signIn(credentials)...)
	if len(providers) > 0 {
		env = append(env, "PULUMI_DEBUG_PROVIDERS="+strings.Join(providers, ","))
	}
	if e.project != nil {
		// Pulumi takes any flag from a variable: this is --cwd, for whatever command runs `pulumi`, from wherever.
		env = append(env, "PULUMI_OPTION_CWD="+e.paths.shadow)
	}
	return append(env, e.options.Env...)
}

// signIn leads the clients that Azure's SDKs make to the sandbox too: whatever would sign in at Azure signs in here,
// with the deployer's credentials or as a managed identity. Without IDENTITY_ENDPOINT such a client would ask the
// machine's own metadata service, and on a machine in Azure get a token of the real one; with the Azure CLI's own
// settings, its user's.
func (e *Engine) signIn(credentials azure.Credentials) []string {
	a := e.options.Azure
	return []string{
		"AZURE_AUTHORITY_HOST=" + a.URL(),
		"AZURE_TENANT_ID=" + credentials.TenantID,
		"AZURE_CLIENT_ID=" + credentials.ClientID,
		"AZURE_CLIENT_SECRET=" + credentials.ClientSecret,
		"AZURE_CONFIG_DIR=" + e.paths.azureCLI,
		"IDENTITY_ENDPOINT=" + a.URL() + "/msi/token",
		"IDENTITY_HEADER=" + a.IdentityHeader(),
		// The Azure CLI and azure-ai-ml read where a cloud's services are from a variable of their own. Entra's list of its
		// own hosts lacks the sandbox; the third keeps the CLI from telling its maker how it is used.
		"ARM_CLOUD_METADATA_URL=" + a.URL() + "/metadata/endpoints?api-version=2019-05-01",
		"AZURE_CORE_INSTANCE_DISCOVERY=false",
		"AZURE_CORE_COLLECT_TELEMETRY=false",
	}
}

// backendURL leads to a backend in files. Without metadata=skip a second file stands beside each, which is not written
// in one go: a Pulumi that is killed at that moment leaves it empty, and the next fails with "failed to load
// checkpoint: EOF".
func backendURL(dir string) string { return "file://" + filepath.ToSlash(dir) + "?metadata=skip" }

// hasLanguageHost reports whether Pulumi finds the real language host for Go, which stands on PATH or beside the CLI.
func (e *Engine) hasLanguageHost() bool {
	const name = "pulumi-language-go"
	_, err := exec.LookPath(name)
	return err == nil || exists(filepath.Join(filepath.Dir(e.options.Pulumi), name))
}
