package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// taken are the user's variables that a command does not get: credentials for the real clouds, and variables that would
// lead Pulumi to another backend or secret. A trailing * stands for any ending.
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

// environment turns the user's environment into the sandbox's. If a variable is set twice, the later value counts.
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
		// Without this, Pulumi writes a copy beside each state that it writes: a tenth of the time of a rehearsal.
		"PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS=true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"ARM_TENANT_ID="+credentials.TenantID,
		"ARM_SUBSCRIPTION_ID="+credentials.SubscriptionID,
		"ARM_CLIENT_ID="+credentials.ClientID,
		"ARM_CLIENT_SECRET="+credentials.ClientSecret,
		// The real plugins use different names for this.
		"ARM_METADATA_HOSTNAME="+e.options.Azure.Host(),
		"ARM_METADATA_HOST="+e.options.Azure.Host(),
		// curl and the Azure CLI's Python prefer a variable of their own to SSL_CERT_FILE.
		"SSL_CERT_FILE="+e.paths.certificates,
		"CURL_CA_BUNDLE="+e.paths.certificates,
		"REQUESTS_CA_BUNDLE="+e.paths.certificates,
	)
	env = append(env, e.signIn(credentials)...)
	if len(providers) > 0 {
		env = append(env, "PULUMI_DEBUG_PROVIDERS="+strings.Join(providers, ","))
	}
	if e.project != nil {
		// Pulumi reads any flag from a variable. This one is --cwd, for every command that runs `pulumi`, in any
		// folder.
		env = append(env, "PULUMI_OPTION_CWD="+e.paths.shadow)
	}
	return append(env, e.options.Env...)
}

// signIn makes the clients of Azure's SDKs sign in at the sandbox, with the deployer's credentials or as a managed
// identity. Without IDENTITY_ENDPOINT such a client would ask the machine's own metadata service, and on a machine in
// Azure get a real token. With the Azure CLI's own settings it would get a token of the CLI's user.
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
		// The Azure CLI and azure-ai-ml read the addresses of a cloud's services from a variable of their own. Entra's
		// list of its own hosts lacks the sandbox, hence the second variable. The third stops the CLI from reporting
		// its use to Microsoft.
		"ARM_CLOUD_METADATA_URL=" + a.URL() + "/metadata/endpoints?api-version=2019-05-01",
		"AZURE_CORE_INSTANCE_DISCOVERY=false",
		"AZURE_CORE_COLLECT_TELEMETRY=false",
	}
}

// backendURL is the URL of a backend in files. Without metadata=skip Pulumi keeps a second file beside each, and does
// not write it atomically: if it is killed at that moment, the file is empty, and the next run fails with "failed to
// load checkpoint: EOF".
func backendURL(dir string) string { return "file://" + filepath.ToSlash(dir) + "?metadata=skip" }

// hasLanguageHost reports whether Pulumi finds the real language host for Go, on PATH or beside the CLI.
func (e *Engine) hasLanguageHost() bool {
	const name = "pulumi-language-go"
	_, err := exec.LookPath(name)
	return err == nil || exists(filepath.Join(filepath.Dir(e.options.Pulumi), name))
}
