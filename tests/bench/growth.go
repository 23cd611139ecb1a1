package main

import (
	"fmt"
	"math"
)

// A growth is how a figure of both programs grows with the size of the stack.
type growth struct {
	Group   string   `json:"group"`
	Name    string   `json:"name"`
	Of      exponent `json:"of"`
	Against exponent `json:"against"`
}

// An exponent e means that a figure grows as size^e: 1 is in proportion, 2 with the square. A fixed cost makes the
// exponent over all sizes smaller; the one between the two largest sizes shows the trend.
type exponent struct {
	All  float64 `json:"all"`  // least squares over all sizes
	Last float64 `json:"last"` // between the two largest
}

// growths are the growths of figures with the same group and name, their sizes ascending. A figure of one size has
// none.
func growths(figures []figure) (all []growth, err error) {
	for len(figures) > 0 {
		n := 1
		for n < len(figures) && figures[n].Group == figures[0].Group && figures[n].Name == figures[0].Name {
			n++
		}
		var at, of, against []float64
		for _, f := range figures[:n] {
			at, of, against = append(at, float64(f.Assignments)), append(of, f.Of), append(against, f.Against)
		}
		if n > 1 {
			g := growth{Group: figures[0].Group, Name: figures[0].Name}
			if g.Of, err = fit(at, of); err == nil {
				g.Against, err = fit(at, against)
			}
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", g.Group, g.Name, err)
			}
			all = append(all, g)
		}
		figures = figures[n:]
	}
	return all, nil
}

// fit finds the exponents with which values grow. Sizes ascend; sizes and values are above zero.
func fit(sizes, values []float64) (exponent, error) {
	n := len(sizes)
	var meanX, meanY float64
	xs, ys := make([]float64, n), make([]float64, n)
	for i := range sizes {
		if sizes[i] <= 0 || values[i] <= 0 || i > 0 && sizes[i] <= sizes[i-1] {
			return exponent{}, fmt.Errorf("there is no growth to see in %g at the sizes %g", values, sizes)
		}
		xs[i], ys[i] = math.Log(sizes[i]), math.Log(values[i])
		meanX, meanY = meanX+xs[i]/float64(n), meanY+ys[i]/float64(n)
	}
	var above, below float64
	for i := range xs {
		above += (xs[i] - meanX) * (ys[i] - meanY)
		below += (xs[i] - meanX) * (xs[i] - meanX)
	}
	return exponent{All: above / below, Last: (ys[n-1] - ys[n-2]) / (xs[n-1] - xs[n-2])}, nil
}
