package engine

import (
	"encoding/base64"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// absolute rewrites the project's settings so that they mean the same in another folder.
func (s settings) absolute(users string) {
	main := s.text("main")
	if !filepath.IsAbs(main) {
		main = filepath.Join(users, main)
	}
	s.set("main", main)
	for _, key := range []string{"backend", "stackConfigDir"} {
		s.remove(s.root, key)
	}
	for _, key := range []string{"plugins", "packages"} {
		if v := at(s.root, key); v != nil {
			absolutePaths(v, users)
		}
	}
}

// absolutePaths turns relative paths into absolute ones.
func absolutePaths(n *yaml.Node, users string) {
	if n.Kind == yaml.ScalarNode && (strings.HasPrefix(n.Value, "./") || strings.HasPrefix(n.Value, "../")) {
		n.Value = filepath.Join(users, n.Value)
	}
	for _, inner := range n.Content {
		absolutePaths(inner, users)
	}
}

// encryption are the settings that say how a stack's secrets are encrypted. environment refers to Pulumi Cloud, which
// the sandbox does not use.
var encryption = []string{"encryptionsalt", "secretsprovider", "encryptedkey", "environment"}

// credentials are the provider settings that say how and where to sign in: the sandbox has its own. The cloud stays,
// because the program reads it, and providers ask the metadata host anyway (facts/clouds.md).
var (
	credentials = []string{
		"auxiliaryTenantIds", "clientCertificate", "clientCertificatePassword", "clientCertificatePath", "clientId",
		"clientSecret", "metadataHost", "msiEndpoint", "oidcRequestToken", "oidcRequestUrl", "oidcToken",
		"useCli", "useMsi", "useOidc",
	}
	providers = []string{"azure-native", "azuread"}
)

// strip removes settings that do not apply in the sandbox from a stack's settings. It returns the config keys of the
// secrets that a placeholder has replaced.
func (s settings) strip() (secrets []string) {
	for _, key := range encryption {
		s.remove(s.root, key)
	}
	config := at(s.root, "config")
	if config == nil || config.Kind != yaml.MappingNode {
		return nil
	}
	for _, provider := range providers {
		for _, setting := range credentials {
			s.remove(config, provider+":"+setting)
		}
	}
	for i := 0; i+1 < len(config.Content); i += 2 {
		if replaceSecrets(config.Content[i+1]) {
			secrets = append(secrets, config.Content[i].Value)
		}
	}
	slices.Sort(secrets)
	return secrets
}

// replaceSecrets replaces each encrypted value, {secure: ...}, with the placeholder, and reports whether there was one.
func replaceSecrets(n *yaml.Node) bool {
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "secure" &&
		n.Content[1].Kind == yaml.ScalarNode {
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: placeholder, LineComment: "encrypted in the user's file"}
		return true
	}
	found := false
	for _, inner := range n.Content {
		found = replaceSecrets(inner) || found
	}
	return found
}

// encrypt makes the stack's settings use the sandbox's key.
func (s settings) encrypt() {
	s.set("secretsprovider", secretsProvider)
	s.set("encryptedkey", base64.StdEncoding.EncodeToString([]byte(sealedKey)))
}
