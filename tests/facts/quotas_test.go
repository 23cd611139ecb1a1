package facts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const oneAfterAnother = "one after another"

// ofQuotas are the product's answers about how much there may be, and how fast it may come.
func ofQuotas() asked {
	return asked{
		"quota": func(t *testing.T, input string) string {
			n, of := quotaInput(t, input)
			m := model()
			m.Endpoints = map[string]access.Endpoint{}
			endpoint := func(name string, deployments int) {
				e := access.Endpoint{Deployments: map[string]access.Deployment{}}
				for d := range deployments {
					e.Deployments[fmt.Sprintf("d%02d", d)] = access.Deployment{Cluster: "cpu"}
				}
				m.Endpoints[name] = e
			}
			switch of {
			case "clusters in a region":
				for c := range n - 1 {
					m.Clusters[fmt.Sprintf("c%04d", c)] = access.Cluster{}
				}
				endpoint("heart", 1)
			case "endpoints in a region":
				for e := range n {
					endpoint(fmt.Sprintf("e%04d", e), 1)
				}
			case "deployments of an endpoint":
				endpoint("heart", n)
			case "deployments in a region":
				for e := 0; n > 0; e, n = e+1, n-20 {
					endpoint(fmt.Sprintf("e%04d", e), min(n, 20))
				}
			}
			_, ps := access.Compile(m)
			require.NoError(t, ps.Err())
			if slices.ContainsFunc(ps, func(p problem.Problem) bool {
				return p.Code == problem.Limit && strings.Contains(p.What, "more than the")
			}) {
				return "beyond"
			}
			return "within"
		},
		"credentials of an identity are written": func(t *testing.T, input string) string {
			r := &afterEachOther{of: map[string][]string{}}
			err := pulumi.RunErr(func(ctx *pulumi.Context) error {
				_, err := components.NewManagedIdentity(ctx, "identity", &components.ManagedIdentityArgs{
					ResourceGroupName: pulumi.String("ml"), Location: pulumi.String("westeurope"),
					FederatedCredentials: severalCredentials(t, input),
				})
				return err
			}, pulumi.WithMocks("facts", "test", r))
			require.NoError(t, err)
			return r.order(t)
		},
	}
}

// quotaInput reads "20 deployments of an endpoint".
func quotaInput(t *testing.T, input string) (n int, of string) {
	t.Helper()
	_, err := fmt.Sscanf(input, "%d", &n)
	require.NoError(t, err)
	_, of, _ = strings.Cut(input, " ")
	return n, of
}

// afterEachOther notes on which other credentials each depends.
type afterEachOther struct {
	registered
	of map[string][]string
}

func (r *afterEachOther) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.HasSuffix(args.TypeToken, ":FederatedIdentityCredential") {
		r.of[args.Name] = args.RegisterRPC.GetDependencies()
	}
	return args.Name, args.Inputs, nil
}

// order says whether of any two one waits for the other.
func (r *afterEachOther) order(t *testing.T) string {
	t.Helper()
	require.Greater(t, len(r.of), 1)
	waits := func(a, b string) bool {
		return slices.ContainsFunc(r.of[a], func(urn string) bool { return strings.HasSuffix(urn, "::"+b) })
	}
	for a := range r.of {
		for b := range r.of {
			if a != b && !waits(a, b) && !waits(b, a) {
				return "at once"
			}
		}
	}
	return oneAfterAnother
}

// quotasOfSandbox are the sandbox's.
func (w *world) quotasOfSandbox() asked {
	return asked{
		"quota": w.quota,

		"job of a model deployment":    w.jobOf("model", "Model"),
		"job of a pipeline deployment": w.jobOf("pipeline", "PipelineComponent"),
		"credentials of an identity are written": func(t *testing.T, _ string) string {
			at := w.identity(t) + "/federatedIdentityCredentials/"
			put := func(name string) reply {
				return w.arm(t, http.MethodPut, at+name, "2023-01-31", credentialBody(name))
			}
			require.Equal(t, http.StatusCreated, put("one").status)
			require.Equal(t, http.StatusCreated, put("two").status, "after the first")
			body, rest := io.Pipe()
			done := make(chan reply)
			go func() { done <- w.arm(t, http.MethodPut, at+"three", "2023-01-31", body) }()
			sent, err := json.Marshal(credentialBody("three"))
			require.NoError(t, err)
			_, err = rest.Write(bytes.Repeat([]byte(" "), 1<<16)) // more than the client holds back
			require.NoError(t, err)
			refused := false
			for range 1000 { // the request has left, and may not have arrived
				select {
				case got := <-done: // it arrived while the other was written, and so it is the one that is refused
					require.NoError(t, rest.Close())
					require.Equal(t, http.StatusConflict, got.status)
					return oneAfterAnother
				default:
				}
				if refused = put("two").status == http.StatusConflict; refused {
					break
				}
			}
			_, err = rest.Write(sent)
			require.NoError(t, err)
			require.NoError(t, rest.Close())
			require.Equal(t, http.StatusCreated, (<-done).status)
			if refused {
				return oneAfterAnother
			}
			return "at once"
		},
		"writes of credentials in four seconds": func(t *testing.T, input string) string {
			n, of := quotaInput(t, input)
			limited := &world{started(t, azure.Options{Weather: azure.Weather{IdentityWrites: time.Hour}})}
			last := reply{}
			for i := range n {
				sub := "/subscriptions/11111111-1111-4111-8111-111111111111"
				if of == "in a tenant" { // five subscriptions have less than eight each
					sub = fmt.Sprintf("/subscriptions/1111111%d-1111-4111-8111-111111111111", i%6)
				}
				at := sub + "/resourceGroups/ml/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
				if of != "to an identity" {
					at += fmt.Sprint(i)
				}
				require.NoError(t, limited.Seed(azure.Seed{UserAssignedIdentities: []azure.UserAssignedIdentity{{ID: at,
					Location: "westeurope"}}}))
				name := fmt.Sprintf("one%d", i)
				last = limited.arm(t, http.MethodPut, at+"/federatedIdentityCredentials/"+name, "2023-01-31",
					credentialBody(name))
				if i < n-1 {
					require.Equal(t, http.StatusCreated, last.status, last.body)
				}
			}
			if last.status == http.StatusTooManyRequests {
				return "refused"
			}
			require.Equal(t, http.StatusCreated, last.status, last.body)
			return "accepted"
		},
	}
}

func started(t *testing.T, o azure.Options) *azure.Azure {
	t.Helper()
	a, err := azure.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func credentialBody(subject string) map[string]any {
	return map[string]any{"properties": map[string]any{"issuer": "https://issuer.example", "subject": subject,
		"audiences": []string{"api://AzureADTokenExchange"}}}
}

// quota makes the last of so many in a region of its own, where the others exist.
func (w *world) quota(t *testing.T, input string) string {
	t.Helper()
	n, of := quotaInput(t, input)
	region := "quota" + uuid.NewString()[:8]
	in := group + "/providers/Microsoft.MachineLearningServices/workspaces/" + region
	seed := azure.Seed{Workspaces: []azure.Workspace{{ID: in, Location: region}}}
	at, body := in+"/computes/last", clusterBody(region, "", nil)
	if of == "clusters in a region" {
		for c := range n - 1 {
			seed.Computes = append(seed.Computes, azure.Compute{WorkspaceID: in, Name: fmt.Sprintf("c%04d", c)})
		}
	} else {
		most := n // deployments of one endpoint
		if of == "deployments in a region" {
			most = 20
		}
		seed.Computes = []azure.Compute{{WorkspaceID: in, Name: "cpu"}}
		for e, left := 0, n-1; left >= 0; e, left = e+1, left-most {
			endpoint := azure.Endpoint{WorkspaceID: in, Name: fmt.Sprintf("%s-%d", region, e)}
			for d := range min(left, most) {
				endpoint.Deployments = append(endpoint.Deployments, azure.Deployment{Name: fmt.Sprintf("d%02d", d),
					ComputeName: "cpu"})
			}
			seed.Endpoints = append(seed.Endpoints, endpoint)
			at = in + "/batchEndpoints/" + endpoint.Name + "/deployments/last"
		}
		body = map[string]any{"location": region, "properties": map[string]any{"compute": in + "/computes/cpu"}}
	}
	require.NoError(t, w.Seed(seed))
	made := w.arm(t, http.MethodPut, at, "2024-04-01", body)
	if made.status == http.StatusBadRequest && strings.Contains(made.message(), "quota") {
		return "beyond"
	}
	require.Equal(t, http.StatusCreated, made.status, made.body)
	return "within"
}

// jobOf starts a job with what the input names on a deployment of a model, or of a pipeline component.
func (w *world) jobOf(kind, configuration string) func(t *testing.T, input string) string {
	return func(t *testing.T, input string) string {
		t.Helper()
		at := workspace + "/batchEndpoints/heart/deployments/" + strings.ToLower(kind)
		made := w.arm(t, http.MethodPut, at, "2024-04-01", map[string]any{"location": "westeurope",
			"properties": map[string]any{"compute": workspace + "/computes/cpu",
				"deploymentConfiguration": map[string]any{"deploymentConfigurationType": configuration}}})
		require.Less(t, made.status, http.StatusBadRequest, made.body)
		inputs, outputs := map[string]any{}, map[string]any{}
		for _, word := range strings.Fields(input) {
			switch name, is, _ := strings.Cut(word, "="); is {
			case "folder":
				inputs[name] = map[string]any{"JobInputType": "UriFolder", "Uri": "https://lake.blob.core.windows.net/rows/a"}
			case "literal":
				inputs[name] = map[string]any{"JobInputType": "Literal", "Value": "x"}
			case "output":
				outputs[name] = map[string]any{"JobOutputType": "UriFile", "Uri": workspace + "/datastores/out/paths/" + name}
			}
		}
		body := map[string]any{"properties": map[string]any{"InputData": inputs, "OutputData": outputs}}
		return accepted(w.start(t, ann, ml, strings.ToLower(kind), body).status == http.StatusCreated)
	}
}
