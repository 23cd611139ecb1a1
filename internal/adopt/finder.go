package adopt

import (
	"context"

	"github.com/batchaccess/batchaccess/internal/azure"
)

// A Finder asks Azure. Several goroutines may use it at once.
type Finder struct{ client *azure.Client }

// New makes a finder. The client's account needs permission to read everything that the stack's deployer may write.
func New(client *azure.Client) *Finder { return &Finder{client} }

// list reads all pages of a collection of the directory. A collection that does not exist is empty.
func (f *Finder) list(ctx context.Context, path, filter string) ([]graphObject, error) {
	all, _, err := azure.List[graphObject](ctx, f.client, azure.Graph, azure.Path(path, "$filter", filter))
	return all, err
}

// listARM reads all pages of a collection of Resource Manager. A collection that does not exist is empty.
func (f *Finder) listARM(ctx context.Context, path, apiVersion, filter string) ([]armObject, error) {
	all, _, err := azure.List[armObject](ctx, f.client, azure.ResourceManager, azure.Version(path, apiVersion, filter))
	return all, err
}
