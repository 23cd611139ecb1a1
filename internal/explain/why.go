package explain

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/visible"
)

// WriteWhy explains in sentences the paths of one invoker with one input ("" for all), by endpoint. An unknown invoker,
// and an input that no endpoint reads, is an error.
func WriteWhy(w io.Writer, x Explanation, invoker, input string) error {
	inputs, invokers := map[string]bool{}, map[string]bool{}
	for _, p := range x.Paths {
		inputs[inputName(p.Input)], invokers[p.Invoker] = true, true
	}
	if !invokers[invoker] {
		return fmt.Errorf("no invoker is called %q; %s", invoker,
			problem.DidYouMean(invoker, slices.Sorted(maps.Keys(invokers))))
	}
	if input != "" && !inputs[input] {
		return fmt.Errorf("no endpoint reads a data input called %q; %s", input,
			problem.DidYouMean(input, slices.Sorted(maps.Keys(inputs))))
	}
	var out strings.Builder
	for _, p := range x.Paths {
		if p.Invoker == invoker && (input == "" || inputName(p.Input) == input) {
			writePath(&out, p)
		}
	}
	for _, w := range x.Ways {
		// Who may become the invoker is part of the explanation.
		if (input == "" || w.Input == input) && (slices.Contains(w.Who, invoker) || w.Ends == invoker) {
			writeWay(&out, w)
		}
	}
	_, err := io.WriteString(w, visible.Lines(out.String()))
	return err
}

func writePath(out *strings.Builder, p Path) {
	ends := "works"
	switch {
	case p.Undecided:
		ends = "may work"
	case !p.Works:
		ends = "does not work"
	}
	fmt.Fprintf(out, "%s starts a job on %s with %s: it %s.\n", p.Invoker, p.Target(), inputName(p.Input), ends)
	for i, h := range p.Hops {
		fmt.Fprintf(out, "  %d. %s ", i+1, begin(h))
		if h.Undecided {
			fmt.Fprintf(out, "Undecided: this depends on %s.\n", h.Missing)
			continue
		}
		if h.Missing != "" {
			fmt.Fprintf(out, "Missing: %s. The job ends here.\n", h.Missing)
			break
		}
		fmt.Fprintf(out, "Given by: %s.\n", h.GivenBy)
	}
	switch {
	case p.Undecided && p.Declared:
		fmt.Fprintf(out, "  This should work: endpoints.%s is for %s. `batchaccess verify` asks Azure.\n", p.Endpoint,
			p.Invoker)
	case p.Undecided:
		fmt.Fprintf(out, "  Nobody declared this: endpoints.%s does not name %s. `batchaccess verify` asks Azure.\n",
			p.Endpoint, p.Invoker)
	case !p.Works && !p.Declared:
		fmt.Fprintf(out, "  This is as declared: endpoints.%s does not name %s among its invokers. Name it there, and what "+
			"is missing is granted.\n", p.Endpoint, p.Invoker)
	case !p.Works:
		fmt.Fprintf(out, "  This should work: endpoints.%s is for %s.\n", p.Endpoint, p.Invoker)
	case !p.Declared:
		fmt.Fprintf(out, "  Nobody declared this: endpoints.%s does not name %s, but what it has for other reasons is "+
			"enough.\n", p.Endpoint, p.Invoker)
	}
	out.WriteString("\n")
}

func begin(h access.Hop) string {
	switch h.Kind {
	case access.TokenHop:
		return fmt.Sprintf("To sign in, %s needs %s.", h.Identity, h.Needs)
	case access.InvokeHop:
		return fmt.Sprintf("To start the job, %s needs %s.", h.Identity, h.Needs)
	case access.RegistryHop:
		return fmt.Sprintf("To use models and environments of shared registries, %s needs %s.", h.Identity, h.Needs)
	case access.ImageHop:
		return fmt.Sprintf("To pull the image, %s needs %s.", h.Identity, h.Needs)
	case access.StoresHop:
		return fmt.Sprintf("To use the workspace's own stores, %s needs %s.", h.Identity, h.Needs)
	case access.MountHop:
		return fmt.Sprintf("To mount the storage, the managed identity of %s needs %s.", h.Identity, h.Needs)
	default:
		return fmt.Sprintf("To %s the data, %s needs %s.", h.Kind, h.Identity, h.Needs)
	}
}

// writeWay explains an indirect way, and each change that closes it.
func writeWay(out *strings.Builder, w Way) {
	fmt.Fprintf(out, "Indirectly, %s.\n", w)
	writeCuts(out, w)
	out.WriteString("\n")
}

func writeCuts(out *strings.Builder, w Way) {
	for _, c := range w.Cuts {
		fmt.Fprintf(out, "  To cut it: %s.\n", c)
	}
	if w.Untried {
		fmt.Fprintf(out, "  No other role cuts it; more is not tried where there are %d ways or more.\n", manyWays)
	}
}
