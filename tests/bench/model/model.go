// Package model is the workload of the benchmarks as package access knows a stack. It is for the benchmarks of packages
// that judge a model, and knows nothing of how one is deployed.
package model

import (
	"fmt"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// Sizes are the numbers of role assignments at which packages are measured. The last is Azure's limit in a
// subscription.
var Sizes = []int{10, 100, 1000, 4000}

// Of is a model with at most that many role assignments, in which everyone reads everything.
func Of(assignments int) access.Model {
	w := workload.Of(assignments)
	m := access.Model{
		WorkspaceID: access.Known(workload.WorkspaceID), Invokers: map[string]access.Invoker{},
		Clusters:        map[string]access.Cluster{},
		StorageAccounts: map[string]access.ID{}, DataInputs: map[string]access.DataInput{},
	}
	for _, i := range w.Invokers {
		m.Invokers[i.Name] = access.Invoker{Kind: access.PrincipalKind(i.Kind), PrincipalID: access.Known(i.PrincipalID)}
	}
	for _, name := range workload.Clusters {
		m.Clusters[name] = access.Cluster{}
	}
	for _, a := range workload.Accounts() {
		m.StorageAccounts[a.Name] = access.Known(a.ID)
	}
	for _, i := range w.Inputs {
		m.DataInputs[i.Name] = access.DataInput{Kind: access.Blob, StorageAccount: i.Account.Name, Container: i.Container}
	}
	return m
}

// mostReaders is the largest number of invokers that read an input of a divided model.
const mostReaders = 20

// Divided is a model of about that many role assignments in which each input has its own endpoint, for the few invokers
// that it names. Most of its paths do not work.
func Divided(assignments int) access.Model {
	m := Of(assignments)
	// Each input takes a reader for its cluster and for each of its invokers, and each invoker takes the role.
	readers := min(mostReaders, (assignments-1)/2)
	circles := assignments / (2*readers + 1)
	m.Invokers, m.DataInputs, m.Endpoints = map[string]access.Invoker{}, map[string]access.DataInput{},
		map[string]access.Endpoint{}
	for n := range circles {
		input := fmt.Sprintf("input-%03d", n)
		m.DataInputs[input] = access.DataInput{Kind: access.Blob, StorageAccount: workload.Accounts()[0].Name,
			Container: input}
		e := access.Endpoint{Cluster: workload.Clusters[n%len(workload.Clusters)], Inputs: []string{input}}
		for i := range readers {
			name := fmt.Sprintf("invoker-%04d", n*readers+i)
			m.Invokers[name] = access.Invoker{Kind: access.User, PrincipalID: access.Known(workload.GUID(1, n*readers+i))}
			e.Invokers = append(e.Invokers, name)
		}
		m.Endpoints[fmt.Sprintf("scoring-%03d", n)] = e
	}
	return m
}
