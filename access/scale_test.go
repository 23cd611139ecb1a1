package access_test

import (
	"fmt"
	"testing"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/tests/bench/model"
)

// The shapes in which a stack grows to Azure's limit of role assignments.
var shapes = []struct {
	name string
	of   func(assignments int) access.Model
}{{"shared", model.Of}, {"divided", model.Divided}}

// judgements are what a program or a command asks of a model.
var judgements = []struct {
	name string
	of   func(access.Model)
}{
	{"Compile", func(m access.Model) { compile(m) }},
	{"CompileAndPaths", func(m access.Model) { compile(m).Paths() }},
	{"CompileAndReport", func(m access.Model) { compile(m).Report() }},
	{"CompileAndWays", func(m access.Model) { compile(m).Ways() }},
	{"CompileWithAssertions", func(m access.Model) { compile(asserted(m)) }},
}

// asserted is the model with assertions of each kind.
func asserted(m access.Model) access.Model {
	var everyone []string
	for name := range m.Invokers {
		everyone = append(everyone, name)
	}
	m.Assertions = map[string]access.Assertion{
		"can": {Can: everyone, Read: "input-000"}, "cannot": {Cannot: everyone,
			Do: "grantsAccess"}, "only": {Only: []string{}, Read: "input-000"},
	}
	return m
}

func Benchmark(b *testing.B) {
	for _, j := range judgements {
		for _, shape := range shapes {
			for _, size := range model.Sizes {
				b.Run(fmt.Sprintf("%s/%s/%d", j.name, shape.name, size), func(b *testing.B) {
					m := shape.of(size)
					b.ReportAllocs()
					for b.Loop() {
						j.of(m)
					}
				})
			}
		}
	}
}

// BenchmarkWays is a large estate: 500 invokers, 50 clusters, 200 data inputs in as many accounts, 200 endpoints with
// an input each, and five invokers for each endpoint; with the role at the workspace, and at the endpoints.
func BenchmarkWays(b *testing.B) {
	m := access.Model{Invokers: map[string]access.Invoker{}, Clusters: map[string]access.Cluster{},
		DataInputs: map[string]access.DataInput{}, Endpoints: map[string]access.Endpoint{}}
	for i := range 500 {
		m.Invokers[fmt.Sprintf("user-%03d", i)] = access.Invoker{Kind: access.User}
	}
	for i := range 50 {
		m.Clusters[fmt.Sprintf("cpu-%02d", i)] = access.Cluster{}
	}
	for i := range 200 {
		name := fmt.Sprintf("lake%03d", i)
		m.DataInputs[name] = access.DataInput{Kind: access.Blob, StorageAccount: name, Container: "data"}
		e := access.Endpoint{Cluster: fmt.Sprintf("cpu-%02d", i%50), Inputs: []string{name}}
		for n := range 5 {
			e.Invokers = append(e.Invokers, fmt.Sprintf("user-%03d", (i*5+n)%500))
		}
		m.Endpoints["score-"+name] = e
	}
	for _, scope := range []access.Level{access.AtWorkspace, access.AtEndpoint} {
		b.Run(string(scope), func(b *testing.B) {
			m := m
			m.Role.Scope = scope
			plan := compile(m)
			b.ReportAllocs()
			for b.Loop() {
				plan.Ways()
			}
		})
	}
}
