package invoke

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// A signature says how to recognise one failure in Azure's message, and what it means: a row of facts/failures.md, or
// of the error codes in facts/federation.md.
type signature struct {
	// codes are whole codes, any of which matches; phrases are texts that all have to be there, without regard to case;
	// form is a regular expression. If several are given, one of the three is enough.
	codes   []string
	phrases []string
	form    *regexp.Regexp

	kind   Kind
	hop    access.HopKind
	means  string // the cause: who lacks what
	remedy []string
	grants []lack // the grants that help, if any
}

// A lack is a role that an identity does not have on the storage.
type lack struct {
	cluster bool // otherwise the invoker
	role    string
}

func bothLack(role string) []lack { return []lack{{true, role}, {false, role}} }

const (
	checkActions = "check that the invoker has the 35 actions (batchaccess verify), and then the tenant's policies"
	seeWhoReads  = "`batchaccess explain --why <invoker> <input>` says which identity reads the input, and by what"
)

var (
	storageTable = "Storage Table Data Contributor"
	storageQueue = "Storage Queue Data Contributor"
)

// notStarted are errors of the scoring URI or Resource Manager before there is a job.
var notStarted = []signature{
	{
		form: regexp.MustCompile(`(?i)(audience|service)\b.{0,200}\bnot allowed`), kind: Token, hop: access.TokenHop,
		means:  "the token is for another resource than batch endpoints, or for that of another cloud",
		remedy: []string{"get one for the cloud's own resource, in public Azure https://ml.azure.com"},
	},
	{
		codes: []string{"DenyAssignmentAuthorizationFailed"}, phrases: []string{"denied", "deny assignment"}, kind: Denied,
		means: "a deny assignment (of a deployment stack, a managed application or a blueprint) wins over any role",
		remedy: []string{
			"no grant helps: change the deny settings of what made it, or exclude the principal there",
		},
	},
	{
		codes: []string{"ScopeLocked"}, kind: Denied,
		means: "a lock on the resource, or on what it lies in, forbids it", remedy: []string{"remove the lock: az lock list"},
	},
	{
		phrases: []string{"Entra Token denied by policy"}, kind: Denied, hop: access.InvokeHop,
		means: "the endpoint refused the identity by a policy; no cause is published", remedy: []string{checkActions},
	},
	{
		phrases: []string{"No valid deployments to route to"}, kind: Request,
		means: "the endpoint has no default deployment, and none was named",
		remedy: []string{
			"name one with --deployment, or set the endpoint's default (az ml batch-endpoint update --set " +
				"defaults.deployment_name=…)",
		},
	},
	{
		form: regexp.MustCompile(`(?i)deployment name\b.{0,300}\bnot found for this endpoint`), kind: Request,
		means:  "the endpoint has no deployment of that name",
		remedy: []string{"list them: az ml batch-deployment list --endpoint-name …"},
	},
	{
		phrases: []string{"Input path can't be empty"}, kind: Request, means: "an input has no Uri",
		remedy: []string{"give it one"},
	},
	{
		form: regexp.MustCompile(`(?i)invalid input path|unsupported input type|\b(invalid|unsupported)\b.{0,80}\buri\b|` +
			`\buri\b.{0,200}\b(invalid|malformed|not (valid|supported))\b`), kind: Request,
		means: "an input is named in a way that batch endpoints do not take: a label, an MLTable, a model, something of " +
			"a registry, or a data store without /paths/",
		remedy: []string{"write an https URL, the ARM ID of a data asset's version, or that of a data store with " +
			"/paths/<path>"},
	},
	{
		form: regexp.MustCompile(`(?i)dataset_param\b.{0,200}\bdoesn't have a specified value`), kind: Request,
		means:  "an input is missing, or of a kind that the deployment does not take",
		remedy: []string{"give the inputs that the deployment names"},
	},
	{
		phrases: []string{"the path already exists"}, kind: Request, means: "the output file is there already",
		remedy: []string{"write to a new path each time"},
	},
	{
		form: regexp.MustCompile(`(?i)\b(AccountKey|SasToken)\b`), kind: Request,
		means: "the output's data store holds no credential, and the service asks for one: a fault of 2023 that has been " +
			"fixed",
		remedy: []string{"update the client, and use identities"},
	},
}

// atStart are failures of jobs before they read anything.
var atStart = []signature{
	{
		form: regexp.MustCompile(`(?i)not allowed to access registry`), kind: Registry,
		means: "the invoker lacks registries/read or registries/assets/read on the registry of the model or environment",
		remedy: []string{
			`assign "AzureML Registry User" to the invoker at the registry; or add readRegistryAssets to the role, ` +
				"where its scope contains the registry",
		},
	},
	{
		form: regexp.MustCompile(`(?i)failed to pull|` +
			`(pull|image|azurecr\.(io|us|cn)).{0,300}(unauthorized|denied|\b403\b)|` +
			`(unauthorized|denied|\b403\b).{0,300}(image pull|azurecr\.(io|us|cn))`),
		kind: Registry, means: "the cluster identity may not pull the image: it lacks AcrPull, the registry ignores " +
			"AcrPull (its mode is RBAC with ABAC), or its firewall is closed",
		remedy: []string{
			`assign "AcrPull" to the cluster identity at the container registry; ` +
				`in ABAC mode "Container Registry Repository Reader"`,
		},
	},
	{
		form: regexp.MustCompile(`(?i)insufficient\b.{0,60}\bquota|\bcores? quota`), kind: JobFailed,
		means:  "the cores of the size's family or of the region are used up: access is not the cause",
		remedy: []string{"ask for more quota, or choose another size; a lock on the group keeps nodes away too"},
	},
	{
		phrases: []string{"Datastore has no credentials", "workspace msi failed to authenticate"}, kind: Data,
		hop:    access.ReadHop,
		means:  "the workspace's own identity reads that data store, and lacks access to the storage",
		remedy: []string{"grant it Storage Blob Data Reader; or see whether it is the cluster identity that lacks it"},
	},
	{
		phrases: []string{"Cannot find account key or SAS token in the specified datastore",
			"credential passthrough is not enabled"},
		kind: Mount, hop: access.MountHop,
		means: "the workspace's default store holds no credential, and the runtime of the parallel run is too old to " +
			"do without",
		remedy: []string{
			"set the workspace's systemDatastoresAuthMode to identity, and grant the cluster identity the table and queue roles",
		},
		grants: []lack{{true, storageTable}, {true, storageQueue}},
	},
}

// onData are failures of jobs while they read or write.
var onData = []signature{
	{
		codes:   []string{"ScriptExecution.StreamAccess.Authentication"},
		phrases: []string{"StreamAccessException", "AuthenticationException"},
		kind:    Mount, hop: access.MountHop, means: opensNoStorage, grants: bothLack(roles.StorageBlobDataReader),
		remedy: []string{"a cluster without an identity opens nothing: give it one (clusters.<name>.identity)"},
	},
	{
		form: regexp.MustCompile(`(?i)can't mount dataset\b[\s\S]{0,400}not accessible or doesn't contain any data`),
		kind: Mount,
		hop:  access.MountHop, means: "the cluster identity may not mount the storage, or there is no data at the path",
		remedy: []string{"check the path"}, grants: []lack{{true, roles.StorageBlobDataReader}},
	},
	{
		form: regexp.MustCompile(`(?i)\bDestinationError\(PermissionDenied\b|` +
			`\bScriptExecution\.WriteStreams\.Authentication\b`),
		kind: Data,
		hop:  access.WriteHop, means: "the writer may not write to the output's storage: the cluster identity mounts " +
			"it, the invoker writes",
		remedy: []string{"check that it is the data store that is meant", "a cluster without an identity writes nothing: " +
			"give it one (clusters.<name>.identity)"},
		grants: bothLack(roles.StorageBlobDataContributor),
	},
	{
		codes: []string{"DataAccessError(PermissionDenied)"}, kind: Data, hop: access.ReadHop,
		means:  "the reader has no role on the storage, or a condition or an ACL excludes it",
		remedy: []string{seeWhoReads}, grants: bothLack(roles.StorageBlobDataReader),
	},
	{
		codes: []string{"DataAccessError(NotFound)", "StreamError(NotFound)"}, kind: JobFailed,
		means:  "the container or the path does not exist: access is not the cause",
		remedy: []string{"check the container and the path"},
	},
	{
		codes: []string{
			"DestinationError(NotEmpty)", "OutputError(NotEmpty)", "WriteStreams.AlreadyExists",
			"ScriptExecution.WriteStreams.AlreadyExists",
		},
		kind: JobFailed, means: "the output path is taken: access is not the cause",
		remedy: []string{"write to a new path each time"},
	},
	{
		// Its message begins like AuthorizationFailure's, which is about a firewall.
		codes: []string{"AuthorizationPermissionMismatch"}, phrases: []string{"perform this operation using this permission"},
		kind: Mount, hop: access.MountHop, means: opensNoStorage,
		remedy: []string{
			"being an owner of the account gives no data role; a new assignment takes up to 10 minutes; a condition or " +
				"an ACL may keep it out",
		},
		grants: bothLack(roles.StorageBlobDataReader),
	},
	{
		codes: []string{"AuthorizationFailure"}, phrases: []string{"not authorized to perform this operation"}, kind: Network,
		means: "the storage account is closed to where the request came from: its firewall, or no private endpoint",
		remedy: []string{
			"let the cluster's network in: a network rule, private endpoints (blob, file, queue, table), or a trusted service",
		},
	},
	{
		codes: []string{"InsufficientAccountPermissions", "AuthorizationResourceTypeMismatch"}, kind: Data,
		hop:   access.ReadHop,
		means: "the data store's SAS is too narrow", remedy: []string{"put a new one into the data store, or use identities"},
	},
	{
		codes: []string{"KeyBasedAuthenticationNotPermitted"}, kind: Data, hop: access.ReadHop,
		means: "the storage account forbids shared keys, and the data store still holds one",
		remedy: []string{
			"take the credential out of the data store (systemDatastoresAuthMode: identity for the workspace's own) and " +
				"grant data roles",
		},
		grants: bothLack(roles.StorageBlobDataReader),
	},
	{
		codes: []string{"PublicAccessNotPermitted"}, kind: Data, hop: access.ReadHop,
		means:  "the storage account allows no anonymous reading, so what is taken for public is private",
		remedy: []string{"declare the input as a private one: both identities need a role"},
		grants: bothLack(roles.StorageBlobDataReader),
	},
	{
		codes: []string{"NoAuthenticationInformation"}, kind: Mount, hop: access.MountHop,
		means:  "private data was asked for anonymously: the cluster has no identity",
		remedy: []string{"give the cluster an identity"}, grants: []lack{{true, roles.StorageBlobDataReader}},
	},
	{
		form: regexp.MustCompile(`(?i)failed to create table\b[\s\S]{0,400}authorization failure`), kind: Mount,
		hop: access.MountHop,
		means: "a parallel run keeps its state in a queue and a table of the workspace's storage account, which the " +
			"cluster identity can't reach or may not write",
		remedy: []string{"behind a firewall: private endpoints for blob, file, queue and table"},
		grants: []lack{{true, storageTable}, {true, storageQueue}},
	},
	{
		form: regexp.MustCompile(`(?i)(key ?vault|vault\.(azure|usgovcloudapi)\.(net|cn))[\s\S]{0,400}` +
			`(\b403\b|forbidden|denied)|` +
			`(\b403\b|forbidden)[\s\S]{0,400}key ?vault`),
		kind: Data, hop: access.ReadHop,
		means: "the reader may not read the data store's secret: datastores/listsecrets/action is missing, or the " +
			"vault's firewall is closed",
		remedy: []string{checkActions, "let the reader through the vault's firewall"},
	},
	{
		codes: []string{"AuthenticationFailed"}, kind: Data, hop: access.ReadHop,
		means: "the storage refused the sign-in: a key, SAS or token that is wrong, expired, of another tenant, or a " +
			"wrong clock",
		remedy: []string{
			"renew the data store's credential; storage of another tenant is not supported",
		},
	},
}

// opensNoStorage explains Azure's plain text, which does not say whose access is missing.
const opensNoStorage = "the job could not open its storage: the cluster identity may not mount it, or the job " +
	"identity, who is the invoker, may not read it; Azure does not say which"

// notOfAccess are failures that no grant solves. Their texts may contain those of other failures, so they come last.
var notOfAccess = []signature{
	{
		form:   regexp.MustCompile(`(?i)no succeeded mini batch|no objects to concatenate|no module named ['"]?azureml`),
		kind:   JobFailed,
		means:  "the model, the data's format or the environment is at fault: access is not the cause",
		remedy: []string{"look at the job's logs in the studio"},
	},
	{
		phrases: []string{"No progress update"}, kind: JobFailed,
		means:  "the time limit ran out: access is not the cause",
		remedy: []string{"raise retry_settings.timeout of the deployment"},
	},
	{
		phrases: []string{"User program failed"}, kind: JobFailed,
		means:  "the deployment's own code failed: access is not the cause",
		remedy: []string{"look at the job's logs in the studio"},
	},
}

// recognise returns the first signature in the lists that matches the text.
func recognise(text string, lists ...[]signature) (signature, bool) {
	text = plain(text)
	for _, list := range lists {
		for _, s := range list {
			if s.in(text) {
				return s, true
			}
		}
	}
	return signature{}, false
}

func (s signature) in(text string) bool {
	for _, code := range s.codes {
		if hasCode(text, code) {
			return true
		}
	}
	if s.form != nil && s.form.MatchString(text) {
		return true
	}
	lower := strings.ToLower(text)
	for _, phrase := range s.phrases {
		if !strings.Contains(lower, strings.ToLower(phrase)) {
			return false
		}
	}
	return len(s.phrases) > 0
}

// plain returns a text with single spaces and one form of apostrophe, in which Azure's texts vary.
func plain(text string) string {
	return strings.NewReplacer("\u2019", "'", "\u2018", "'").Replace(strings.Join(strings.Fields(text), " "))
}

// hasCode reports whether the text has the whole code, in any case: AADSTS70021 is not in AADSTS700213.
func hasCode(text, code string) bool {
	text, code = strings.ToLower(text), strings.ToLower(code)
	for from := 0; ; {
		at := strings.Index(text[from:], code)
		if at < 0 {
			return false
		}
		start, end := from+at, from+at+len(code)
		begins := start == 0 || !wordByte(text[start-1])
		ends := end == len(text) || !wordByte(text[end]) || !wordByte(code[len(code)-1])
		if begins && ends {
			return true
		}
		from = start + 1
	}
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// clean removes hidden characters from a text of Azure's, without writing marks for them: parts of the text become
// commands.
func clean(text string) string {
	return strings.ReplaceAll(visible.Text(text), string(unicode.ReplacementChar), "")
}
