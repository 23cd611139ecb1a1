package rehearsal

import (
	"maps"
	"slices"
)

// allTried reports each job that the configuration declares and that was not tried. Package access, which the rehearsal
// checks, says which jobs there are: one that it leaves out must not pass.
func (r *rehearsal) allTried(report *Report, tokens map[string]string) {
	type job struct{ invoker, target, input string }
	tried := map[job]bool{}
	for _, o := range report.Outcomes {
		tried[job{o.Invoker, o.Endpoint, o.Input}] = tried[job{o.Invoker, o.Endpoint, o.Input}] || o.Want == works
	}
	endpoints := r.Model.EffectiveEndpoints()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		e := endpoints[name]
		targets, inputs := []string{name}, e.Inputs
		if len(e.Deployments) > 0 {
			targets = nil
			for _, deployment := range slices.Sorted(maps.Keys(e.Deployments)) {
				targets = append(targets, name+"/"+deployment)
			}
		}
		if len(inputs) == 0 {
			inputs = []string{""}
		}
		for _, invoker := range compact(r.named(e)) {
			for _, target := range targets {
				for _, input := range inputs {
					if _, acts := tokens[invoker]; acts && !tried[job{invoker, target, input}] {
						report.add(Outcome{Invoker: invoker, Endpoint: target, Input: input, Want: works, Got: "is not tried"})
					}
				}
			}
		}
	}
}
