package arm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// The keys that a body may have, by dotted path and in any letter case, because Resource Manager ignores case. A path
// that ends in * accepts anything below it; + stands for any one key. Clients may send back what Azure answered,
// which is then ignored: envelope has the keys of every resource.
var (
	envelope = []string{"id", "name", "type", "etag", "systemData.*"}

	roleDefinitionKeys = []string{
		"properties.roleName", "properties.description", "properties.type", "properties.assignableScopes.*",
		"properties.permissions.actions.*", "properties.permissions.notActions.*", "properties.permissions.dataActions.*",
		"properties.permissions.notDataActions.*", "properties.permissions.condition",
		"properties.permissions.conditionVersion",
		"properties.createdOn", "properties.updatedOn", "properties.createdBy", "properties.updatedBy",
	}
	roleAssignmentKeys = []string{
		"properties.roleDefinitionId", "properties.principalId", "properties.principalType", "properties.description",
		"properties.condition", "properties.conditionVersion", "properties.delegatedManagedIdentityResourceId",
		"properties.scope", "properties.createdOn", "properties.updatedOn", "properties.createdBy", "properties.updatedBy",
	}
	identityKeys = []string{
		"location", "tags.*", "properties.isolationScope", "properties.tenantId", "properties.principalId",
		"properties.clientId",
	}
	federatedKeys = []string{"properties.issuer", "properties.subject", "properties.audiences.*"}
	// computeKeys are facts/azure-native-2.92.3-machinelearningservices.json's, for AmlCompute.
	computeKeys = append(slices.Clone(trackedKeys), propertyKeys("computeType computeLocation description resourceId "+
		"disableLocalAuth provisioningState createdOn "+
		"modifiedOn isAttachedCompute provisioningErrors{"+computeErrors+"} properties{allocationState "+
		"allocationStateTransitionTime currentNodeCount enableNodePublicIp errors{"+computeErrors+"} isolatedNetwork "+
		"nodeStateCounts{idleNodeCount leavingNodeCount preemptedNodeCount preparingNodeCount "+
		"runningNodeCount unusableNodeCount} osType propertyBag{*} remoteLoginPortPublicAccess "+
		"scaleSettings{maxNodeCount minNodeCount nodeIdleTimeBeforeScaleDown} subnet{id} targetNodeCount "+
		"userAccountCredentials{adminUserName adminUserPassword adminUserSshPublicKey} virtualMachineImage{id} "+
		"vmPriority vmSize}")...)
)

// decode reads a body. It refuses keys that are not among the known ones.
func (c *call) decode(into any, known []string) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		return wire.Errorf(http.StatusBadRequest, "InvalidRequestContent", "the request content is not valid: %v", err)
	}
	var body map[string]any
	if err := json.Unmarshal(c.body, &body); err != nil || body == nil {
		return wire.Errorf(http.StatusBadRequest, "InvalidRequestContent", "the request content is not a JSON object")
	}
	if unknown := unknownKey(body, "", append(slices.Clone(envelope), known...)); unknown != "" {
		return wire.Errorf(http.StatusBadRequest, "InvalidRequestContent",
			"the request content is not valid: could not find member %q on %s", unknown, c.id.Type())
	}
	return nil
}

// unknownKey is the path of the first key that is not known; "" if all are.
func unknownKey(value any, path string, known []string) string {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if unknown := unknownKey(item, path, known); unknown != "" {
				return unknown
			}
		}
	case map[string]any:
		for key, below := range value {
			at := strings.TrimPrefix(path+"."+key, ".")
			if anything(at, known) {
				continue
			}
			if !begins(at, known) {
				return at
			}
			if unknown := unknownKey(below, at, known); unknown != "" {
				return unknown
			}
		}
	}
	return ""
}

// anything reports whether a known path accepts everything below this one.
func anything(path string, known []string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		open, ok := strings.CutSuffix(k, ".*")
		return ok && startsWith(open, path) && strings.Count(open, ".") == strings.Count(path, ".")
	})
}

// begins reports whether a known path is this one or goes on below it.
func begins(path string, known []string) bool {
	return slices.ContainsFunc(known, func(k string) bool { return startsWith(k, path) })
}

// startsWith reports whether a known path has the keys of this one at its beginning.
func startsWith(known, path string) bool {
	for path != "" {
		var of, key string
		of, known, _ = strings.Cut(known, ".")
		key, path, _ = strings.Cut(path, ".")
		if of != "+" && !strings.EqualFold(of, key) {
			return false
		}
	}
	return true
}

// ordered is a JSON object whose keys keep the order in which they were sent.
type ordered struct {
	keys   []string
	values map[string]json.RawMessage
}

func (o *ordered) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &o.values); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return err
		}
		o.keys = append(o.keys, fmt.Sprint(key))
	}
	return nil
}

// object renders keys in their order.
type object []member

type member struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		text.Write(key)
		text.WriteByte(':')
		text.Write(value)
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}
