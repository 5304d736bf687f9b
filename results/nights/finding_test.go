package nights

import (
	"math"
	"testing"
)

func TestWorse(t *testing.T) {
	x := func(v float64) *float64 { return &v }
	for _, row := range []struct {
		name string
		f    Finding
		want float64
	}{
		{"slower", Finding{Better: "lower", Ratio: x(1.25)}, 0.25},
		{"faster", Finding{Better: "lower", Ratio: x(0.5)}, -0.5},
		{"a lower rate", Finding{Better: "higher", Ratio: x(0.8)}, 0.25},
		{"a higher rate", Finding{Better: "higher", Ratio: x(2)}, -0.5},
		{"a rate that is gone", Finding{Better: "higher", Ratio: x(0)}, math.Inf(1)},
		{"something from nothing", Finding{Better: "lower", From: x(0), To: x(3)}, math.Inf(1)},
		{"a rate from nothing", Finding{Better: "higher", From: x(0), To: x(3)}, math.Inf(-1)},
		{"nothing from something", Finding{Better: "lower", From: x(3), To: x(0)}, math.Inf(-1)},
		{"no figure", Finding{Better: "lower"}, math.Inf(1)},
	} {
		if got := row.f.Worse(); got != row.want && math.Abs(got-row.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}
