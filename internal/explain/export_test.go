package explain

// WithCuts is for a benchmark.
var WithCuts = withCuts
