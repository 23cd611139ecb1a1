package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// checkInput refuses secrets on the command line, and two uses of standard input.
func (i *invocation) checkInput() error {
	for flag, value := range map[string]string{"token": i.token, "client-secret": i.secret} {
		if value != "" && value != "-" {
			return fmt.Errorf("--%s takes - alone, and reads standard input: a secret on the command line can be read by others",
				flag)
		}
	}
	var readers []string
	for _, flag := range []struct{ name, value string }{{"--token", i.token}, {"--client-secret", i.secret},
		{"--request", i.request}} {
		if flag.value == "-" {
			readers = append(readers, flag.name)
		}
	}
	if len(readers) > 1 {
		return fmt.Errorf("%s both read standard input; give one of them another way", strings.Join(readers, " and "))
	}
	if i.request != "" && len(i.inputs)+len(i.files)+len(i.literals)+len(i.outputs) > 0 {
		return errors.New("--request holds the whole request; leave out --input, --input-file, --literal and --job-output")
	}
	return nil
}

// readSecret reads a secret, up to the end of the line.
func readSecret(r io.Reader, what string) (string, error) {
	const most = 1 << 16
	text, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return "", fmt.Errorf("reading the %s from standard input: %w", what, err)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return "", fmt.Errorf("reading the %s from standard input: there is nothing; pipe it in", what)
	}
	return string(text), nil
}

// readRequest makes the request from the flags, or from the stack if they do not give one.
func (i *invocation) readRequest(s *stackOf) (request jobrequest.Request, err error) {
	if i.request != "" {
		request, err = i.requestFile()
	} else {
		request, err = i.requestOfFlags(s)
	}
	if err != nil {
		return request, err
	}
	if i.experiment != "" {
		if request.Properties.Properties == nil {
			request.Properties.Properties = map[string]string{}
		}
		request.Properties.Properties["experimentName"] = i.experiment
	}
	return request, request.Complete(i.workspace)
}

// tooMany says which parts of a request only a deployment of a pipeline component takes: the stack does not say which
// kind a deployment is. A deployment of a model takes exactly one input and one output (facts/batch-endpoints.md).
func tooMany(p jobrequest.Properties) (says []string) {
	for _, of := range []struct {
		what, flag string
		names      []string
	}{
		{"inputs", "--input <name>", slices.Sorted(maps.Keys(p.InputData))},
		{"outputs", "--job-output <name>=<file>", slices.Sorted(maps.Keys(p.OutputData))},
	} {
		if len(of.names) > 1 {
			says = append(says, fmt.Sprintf("the request has %d %s (%s), and a deployment of a model takes exactly one: unless "+
				"it is one of a pipeline component, choose it with %s", len(of.names), of.what, strings.Join(of.names, ", "),
				of.flag))
		}
	}
	return says
}

func (i *invocation) requestFile() (jobrequest.Request, error) {
	if i.request == "-" {
		return jobrequest.Read(i.stdin)
	}
	file, err := os.Open(i.request)
	if err != nil {
		return jobrequest.Request{}, fmt.Errorf("--request: %w", err)
	}
	defer file.Close()
	return jobrequest.Read(file)
}

func (i *invocation) requestOfFlags(s *stackOf) (jobrequest.Request, error) {
	request := jobrequest.Request{Properties: jobrequest.Properties{InputData: map[string]jobrequest.Input{},
		OutputData: map[string]jobrequest.Output{}}}
	p := &request.Properties
	if s != nil {
		if err := s.fill(p, i); err != nil {
			return request, err
		}
	}
	put := func(flag, kind string, pairs []string) error {
		for _, pair := range pairs {
			name, value, ok := strings.Cut(pair, "=")
			if _, twice := p.InputData[name]; !ok || name == "" || value == "" || twice {
				return fmt.Errorf("--%s %s: write <name>=<value>, each name once", flag, pair)
			}
			p.InputData[name] = jobrequest.Input{JobInputType: kind, URI: value}
			if kind == jobrequest.Literal {
				p.InputData[name] = jobrequest.Input{JobInputType: kind, Value: value}
			}
		}
		return nil
	}
	named := slices.DeleteFunc(slices.Clone(i.inputs), func(input string) bool {
		return s != nil &&
			!strings.Contains(input, "=")
	})
	if err := errors.Join(put("input", jobrequest.URIFolder, named), put("input-file", jobrequest.URIFile, i.files),
		put("literal", jobrequest.Literal, i.literals)); err != nil {
		return request, err
	}
	for _, pair := range i.outputs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || value == "" {
			return request, fmt.Errorf("--output %s: write <name>=azureml://datastores/<data store>/paths/<file>", pair)
		}
		p.OutputData[name] = jobrequest.Output{JobOutputType: jobrequest.URIFile, URI: value}
	}
	return request, nil
}

// fill takes from the stack what the flags leave out: the inputs that they name, or all of the endpoint's if they name
// none, and the endpoint's outputs.
func (s *stackOf) fill(p *jobrequest.Properties, i *invocation) error {
	inputs := slices.DeleteFunc(slices.Clone(i.inputs), func(input string) bool { return strings.Contains(input, "=") })
	endpoint, known := s.model().EffectiveEndpoints()[i.endpoint]
	if known && len(i.inputs)+len(i.files)+len(i.literals) == 0 {
		inputs = endpoint.Inputs
	}
	for _, name := range inputs {
		if _, ok := s.model().DataInputs[name]; !ok {
			return fmt.Errorf("--input %s: stack %s has no such data input; %s, or write <name>=<folder>", name, s.name,
				problem.DidYouMean(name, slices.Sorted(maps.Keys(s.model().DataInputs))))
		}
		input, err := jobrequest.InputOf(s.model(), name)
		if err != nil {
			return fmt.Errorf("stack %s: %w", s.name, err)
		}
		p.InputData[name] = input
	}
	if known && len(i.outputs) == 0 {
		maps.Copy(p.OutputData, jobrequest.OutputsOf(s.model(), i.endpoint))
	}
	return nil
}
