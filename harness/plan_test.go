package harness

import "testing"

// TestFamilyAlpha: all comparisons together stay within the family's error, and use it up where the bound allows.
func TestFamilyAlpha(t *testing.T) {
	for _, family := range []float64{0.001, 0.01, 0.05} {
		for _, m := range []int{1, 2, 20, 1000} {
			got := FamilyAlpha(family, m)
			all := float64(m) * alpha * got
			if all > family*(1+1e-12) || got > mostConfirmAlpha || got < mostConfirmAlpha && all < family*(1-1e-12) {
				t.Errorf("%v of %d comparisons: %v, together %v", family, m, got, all)
			}
		}
	}
}
