package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/internal/visible"
)

// An invocation has the flags of `batchaccess invoke`.
type invocation struct {
	source
	invoker                         string
	endpoint, uri, workspace        string
	deployment, experiment, request string
	inputs, files, literals         []string
	outputs                         []string
	signIn                          azure.SignIn
	token, secret                   string // "-" for standard input
	print, wait                     bool
	form                            form
	to                              output

	stdin io.Reader
}

func newInvoke() *cobra.Command {
	var i invocation
	cmd := &cobra.Command{
		Use:   "invoke",
		Short: "Start a job on a batch endpoint, and explain what is missing if it does not run",
		Long: `Invoke starts a job on a batch endpoint and, with --wait, follows it to its end. The endpoint, its
inputs and its outputs come from a stack's configuration, or from flags, or the whole request from a file. The token's
audience is
` + access.Model{}.Audience() +
			` and nothing else; in another cloud, that cloud's. The cloud is that of ARM_METADATA_HOSTNAME,
of the stack (azure-native:environment), of ARM_ENVIRONMENT, or of the endpoint's address.

Who invokes (--as):
  user              whoever is signed in to the Azure CLI
  servicePrincipal  --client-id and --tenant-id (AZURE_CLIENT_ID, AZURE_TENANT_ID), and one proof: ` +
			`AZURE_CLIENT_SECRET or
                    --client-secret -, --certificate (AZURE_CLIENT_CERTIFICATE_PATH, AZURE_CLIENT_CERTIFICATE_PASSWORD),
                    --federated-token-file (AZURE_FEDERATED_TOKEN_FILE)
  managedIdentity   that of this VM, App Service or Function; a user-assigned one by --client-id
  default           the first that works of Azure's default chain: environment, workload, managed identity, Azure CLI
Or take an invoker of the stack (--as-invoker), or a token on standard input (--token -).

Data is named by an https URL, azureml:<data asset>:<version>, azureml://datastores/<data store>/paths/<path>, or
ARM ID; or, with a stack, by the name of a data input. Secrets are read from variables and standard input, never from
flags.

Exit codes:
` + exitCodeTable(),
		Example: `  batchaccess invoke --stack dev --endpoint heart-classifier --as-invoker partner --wait
  batchaccess invoke --stack dev --endpoint heart-classifier --input patients --print-request
  batchaccess invoke --uri https://heart.westeurope.inference.ml.azure.com/jobs --as user \
      --input heart=https://azuremlexampledata.blob.core.windows.net/data/heart-disease-uci
  az account get-access-token --resource https://ml.azure.com --query accessToken --output tsv |
      batchaccess invoke --token - --uri https://heart.westeurope.inference.ml.azure.com/jobs --request request.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := i.form.check(); err != nil {
				return err
			}
			i.stdin = cmd.InOrStdin()
			return i.run(cmd)
		},
	}
	f := cmd.Flags()
	i.source.flags(cmd)
	componentFlag(cmd, &i.source.component)
	f.StringVar(&i.invoker, "as-invoker", "", "invoker of the stack to sign in as")
	f.StringVar(&i.endpoint, "endpoint", "", "name of the batch endpoint (default: the stack's only one)")
	f.StringVar(&i.uri, "uri", "", "address of the endpoint, in place of its name: "+
		"https://<endpoint>.<region>.inference.ml.azure.com/jobs")
	f.StringVar(&i.workspace, "workspace", "", "ARM ID of the workspace (default: the stack's)")
	f.StringVar(&i.deployment, "deployment", "", "deployment to run (default: the stack's, else the endpoint's)")
	f.StringVar(&i.experiment, "experiment", "", "name of the experiment; deployments of pipeline components only")
	f.StringVar(&i.request, "request", "", "JSON file with the whole request, in place of inputs and outputs; - for "+
		"standard input")
	f.StringArrayVar(&i.inputs, "input", nil, "<name>=<folder>, or the name of a data input of the stack; repeat for "+
		"several (default: the endpoint's in the stack)")
	f.StringArrayVar(&i.files, "input-file", nil, "<name>=<file>")
	f.StringArrayVar(&i.literals, "literal", nil, "<name>=<value>; deployments of pipeline components only")
	f.StringArrayVar(&i.outputs, "job-output", nil, "<name>=<file in a Blob data store>")
	f.StringVar(&i.signIn.As, "as", "", "who invokes: "+strings.Join(azure.SignIns(), ", ")+" (default: default)")
	f.StringVar(&i.signIn.ClientID, "client-id", "", "client ID of the service principal or user-assigned identity")
	f.StringVar(&i.signIn.TenantID, "tenant-id", "", "tenant of the invoker and the workspace")
	f.StringVar(&i.signIn.CertificateFile, "certificate", "",
		"file with the service principal's certificate and private key, PEM or PKCS #12")
	f.StringVar(&i.signIn.FederatedTokenFile, "federated-token-file", "",
		"file with a token of the issuer that the service principal trusts")
	f.StringVar(&i.secret, "client-secret", "", "- to read the service principal's secret from standard input")
	f.StringVar(&i.token, "token", "", "- to read a token from standard input, in place of signing in")
	f.BoolVar(&i.print, "print-request", false, "print the request as curl, without a token, and start nothing")
	f.BoolVar(&i.wait, "wait", false, "follow the job to its end; the invoker's role needs pollJobs for it")
	i.form.flags(cmd, "table", "json")
	i.to.flags(cmd)
	cmd.MarkFlagsMutuallyExclusive("endpoint", "uri")
	cmd.MarkFlagsMutuallyExclusive("as", "token", "as-invoker")
	return cmd
}

func exitCodeTable() string {
	var b strings.Builder
	for _, row := range invoke.ExitCodes() {
		fmt.Fprintf(&b, "  %d  %s\n", row.Code, row.Meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

func (i *invocation) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	err := i.checkInput()
	if err != nil {
		return err
	}
	if i.uri != "" {
		if i.uri, err = invoke.JobsURI(i.uri); err != nil {
			return err
		}
	}
	s, err := i.openStack(cmd)
	if err != nil {
		return err
	}
	if err := i.chooseEndpoint(s); err != nil {
		return err
	}
	request, err := i.readRequest(s)
	if err != nil {
		return err
	}
	for _, says := range tooMany(request.Properties) {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", says)
	}
	if !i.print {
		i.warnOfFailure(cmd, s)
	}
	if i.print && i.uri != "" { // then no sign-in and no question is needed
		c, err := azure.CloudOf(i.environment(s))
		if err != nil {
			return err
		}
		return i.printRequest(cmd, c, i.uri, request)
	}
	httpClient, err := clientOfCloud()
	if err != nil {
		return err
	}
	c, err := cloudOf(ctx, httpClient, i.environment(s))
	if err != nil {
		return invoke.Failed(err)
	}
	client, err := i.client(ctx, cmd, s, c, httpClient)
	if err != nil {
		return err
	}
	uri := i.uri
	if uri == "" {
		if uri, err = client.ScoringURI(ctx, i.workspace, i.endpoint); err != nil {
			return i.report(cmd, "", nil, err)
		}
	}
	if i.print {
		return i.printRequest(cmd, c, uri, request)
	}
	job, err := i.start(ctx, cmd, client, uri, request)
	return i.report(cmd, uri, job, err)
}

func (i *invocation) printRequest(cmd *cobra.Command, c azure.Cloud, uri string, request jobrequest.Request) error {
	text, err := invoke.Curl(c, uri, i.deployment, request)
	if err != nil {
		return err
	}
	return i.to.print(cmd, "request", func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// start starts the job and, if requested, follows it. The job is nil if it was not started.
func (i *invocation) start(ctx context.Context, cmd *cobra.Command, client *invoke.Client, uri string,
	request jobrequest.Request) (*invoke.Job, error) {
	job, err := client.Start(ctx, uri, i.deployment, request)
	if err != nil {
		return nil, err
	}
	if !i.wait {
		return &job, nil
	}
	began := time.Now()
	job, err = client.Follow(ctx, uri, job, func(j invoke.Job) {
		fmt.Fprintf(cmd.ErrOrStderr(), "job %s: %s after %.0f s\n", j.Name, j.Status, time.Since(began).Seconds())
	})
	return &job, err
}

// invocationForm is invoke's JSON.
type invocationForm struct {
	Version int             `json:"version"`
	URI     string          `json:"uri,omitempty"`
	Job     *invoke.Job     `json:"job,omitempty"`
	Failure *invoke.Failure `json:"failure,omitempty"`
}

// report prints the result, and returns the error with which the command ends.
func (i *invocation) report(cmd *cobra.Command, uri string, job *invoke.Job, err error) error {
	var failure *invoke.Failure
	if err != nil && !errors.As(err, &failure) {
		return err
	}
	wrong := i.to.print(cmd, "job", func(w io.Writer) error {
		switch {
		case i.form.format == "json":
			return jsonform.Write(w, invocationForm{jsonVersion, uri, job, failure})
		case job == nil:
			return nil
		}
		_, wrong := fmt.Fprintf(w, "%s\t%s\t%s\n", visible.Text(job.Name), visible.Text(job.Status), visible.Text(job.ID))
		return wrong
	})
	return cmp.Or(wrong, err)
}

// client makes a client that invokes as the principal in the flags.
func (i *invocation) client(ctx context.Context, cmd *cobra.Command, s *stackOf, c azure.Cloud,
	httpClient *http.Client) (*invoke.Client, error) {
	o := invoke.Options{TenantID: i.signIn.TenantID, Cloud: c, Transport: httpClient, Logger: logger(cmd)}
	if i.token != "" {
		text, err := readSecret(i.stdin, "token")
		if err != nil {
			return nil, err
		}
		o.Credential = invoke.StaticToken(text)
		return invoke.New(o)
	}
	signIn, err := i.signsIn(ctx, cmd, s)
	if err != nil {
		return nil, err
	}
	if o.Credential, err = signIn.Credential(c, httpClient); err != nil {
		return nil, invoke.Failed(err)
	}
	return invoke.New(o)
}

// clientOfCloud trusts the system's certificates and, on every system, those in SSL_CERT_FILE: Go reads that variable
// only on some systems, and a cloud in ARM_METADATA_HOSTNAME may have its own authority.
func clientOfCloud() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	file := os.Getenv("SSL_CERT_FILE")
	if file == "" {
		return &http.Client{Transport: transport}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading SSL_CERT_FILE: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(text)
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}
