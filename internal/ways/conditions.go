package ways

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/roles"
)

// settled are the attributes that follow from the request for data; others, such as the network that it comes from, are
// not known here.
var settled = []string{"microsoft.storage/storageaccounts:name",
	"microsoft.storage/storageaccounts/blobservices/containers:name",
	"microsoft.storage/storageaccounts/blobservices/containers/blobs:path",
	"microsoft.storage/storageaccounts/blobservices/containers/blobs:prefix",
	"microsoft.storage/storageaccounts/blobservices/containers/blobs:versionid",
	"microsoft.storage/storageaccounts/blobservices/containers/blobs:snapshot"}

// Let decides whether the conditions of a principal's assignments together allow everything that another condition
// does; "" is an assignment without one. because says which request they do not allow, or why it is undecided.
func Let(asked condition.Condition, held []string, operations []condition.Operation) (condition.Answer, string) {
	var conditions []condition.Condition
	var open string
	for _, text := range held {
		c, wrong := condition.Parse(text)
		switch {
		case text == "":
			c = condition.Always
		case len(wrong) > 0:
			open = "under the condition " + text + ", which can't be read here: " + wrong[0].What
			continue
		}
		conditions = append(conditions, c)
		for _, attribute := range c.Attributes() {
			if !slices.Contains(settled, strings.ToLower(attribute.Name)) {
				open = "under the condition " + text
			}
		}
	}
	answer, request, because := condition.Difference([]condition.Condition{asked}, conditions, operations)
	switch {
	case answer == condition.No:
		return condition.Yes, ""
	case answer == condition.Yes && open == "":
		return condition.No, request.String()
	default:
		return condition.Undecided, cmp.Or(open, because)
	}
}

// lets decides whether the conditions allow a data action on a datum. If it is not known whether the account has a
// hierarchical namespace, the answers for both kinds must agree.
func lets(conditions []string, action string, d Datum) (answer condition.Answer, because string) {
	if d.Container == "" {
		return condition.Undecided, "which of the account's data a condition lets through is not known here"
	}
	at := access.Place{Account: d.Account, Container: d.Container, Path: d.Path, Kind: d.Kind}
	kinds := []roles.AccountKind{d.Kind}
	if d.Kind == "" {
		kinds = []roles.AccountKind{roles.Flat, roles.Hierarchical}
	}
	for i, kind := range kinds {
		asked, operations := at.Asks(arm.Last(d.Account), kind, action)
		one, why := Let(asked, conditions, operations)
		if i > 0 && one != answer {
			return condition.Undecided, "it is not known whether " + arm.Last(d.Account) + " has a hierarchical namespace"
		}
		answer, because = one, why
	}
	return answer, because
}
