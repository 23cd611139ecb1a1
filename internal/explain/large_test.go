package explain_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// fiveHundred is a model of 500 invokers and 50 clusters. Each of 100 endpoints reads two of 200 stores, half of which
// hold a credential, for ten of the invokers.
func fiveHundred() access.Model {
	const accounts = 20
	m := access.Model{WorkspaceID: access.Known(workload.WorkspaceID), Invokers: map[string]access.Invoker{},
		Clusters: map[string]access.Cluster{}, StorageAccounts: map[string]access.ID{},
		DataInputs: map[string]access.DataInput{}, Endpoints: map[string]access.Endpoint{}}
	for i := range 500 {
		m.Invokers[fmt.Sprintf("invoker-%03d", i)] = access.Invoker{Kind: access.User,
			PrincipalID: access.Known(workload.GUID(1, i))}
	}
	for i := range 50 {
		m.Clusters[fmt.Sprintf("cluster-%02d", i)] = access.Cluster{}
	}
	for i := range accounts {
		name := fmt.Sprintf("account%02d", i)
		m.StorageAccounts[name] = access.Known(inML + "Microsoft.Storage/storageAccounts/" + name)
	}
	for i := range 200 {
		holds := i%2 == 0
		name := fmt.Sprintf("input-%03d", i)
		m.DataInputs[name] = access.DataInput{Kind: access.DataStore, DataStore: name, Path: "x", CredentialInStore: &holds,
			StorageAccount: fmt.Sprintf("account%02d", i%accounts), Container: name}
	}
	for i := range 100 {
		e := access.Endpoint{Cluster: fmt.Sprintf("cluster-%02d", i%50),
			Inputs: []string{fmt.Sprintf("input-%03d", 2*i), fmt.Sprintf("input-%03d", 2*i+1)}}
		for n := range 10 {
			e.Invokers = append(e.Invokers, fmt.Sprintf("invoker-%03d", (5*i+n)%500))
		}
		m.Endpoints[fmt.Sprintf("scoring-%02d", i)] = e
	}
	return m
}

// BenchmarkLarge is a model of 500 invokers, 50 clusters and 200 stores: its ways with their cuts, and everything
// together as each format writes it.
func BenchmarkLarge(b *testing.B) {
	plan, ps := access.Compile(fiveHundred())
	if plan == nil {
		b.Fatal(ps.Err())
	}
	b.Run("ways", func(b *testing.B) {
		for b.Loop() {
			plan.Ways()
		}
	})
	b.Run("cuts", func(b *testing.B) {
		for b.Loop() {
			explain.WithCuts(plan, plan.Ways())
		}
	})
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			explain.Make("dev", plan, nil)
		}
	})
	x := explain.Make("dev", plan, nil)
	for name, write := range map[string]func(io.Writer, explain.Explanation) error{
		"table":    func(w io.Writer, x explain.Explanation) error { return explain.WriteTable(w, x, true) },
		"markdown": explain.WriteMarkdown, "html": explain.WriteHTML, "mermaid": explain.WriteMermaid,
		"json": explain.WriteJSON,
	} {
		b.Run(name, func(b *testing.B) {
			var wrote counted
			for b.Loop() {
				wrote = 0
				if err := write(&wrote, x); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(wrote)/1e6, "MB")
		})
	}
}

type counted int

func (c *counted) Write(text []byte) (int, error) { *c += counted(len(text)); return len(text), nil }
