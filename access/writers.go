package access

// Writers returns, by name of data input and output, those who write it by themselves: by a grant of their own, or an
// output by a job whose data store has a credential.
func (p *Plan) Writers() (inputs, outputs map[string][]string) {
	c := newChecker(p)
	inputs, outputs = map[string][]string{}, map[string][]string{}
	for _, of := range c.everybody() {
		for _, name := range sorted(p.Model.DataInputs) {
			if _, able := c.writes(of, p.Model.DataInputs[name]); able {
				inputs[name] = append(inputs[name], of.asserted())
			}
		}
		for _, name := range sorted(p.Model.DataOutputs) {
			if c.has(of, datum{name, true}) {
				outputs[name] = append(outputs[name], of.asserted())
			}
		}
	}
	return inputs, outputs
}
