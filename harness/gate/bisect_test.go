package gate

import (
	"slices"
	"testing"
)

func TestFromMiddle(t *testing.T) {
	for n, want := range map[int][]int{2: nil, 3: {1}, 4: {2, 1}, 7: {3, 4, 2, 5, 1}} {
		if got := fromMiddle(n); !slices.Equal(got, want) {
			t.Errorf("of %d: %v, want %v", n, got, want)
		}
	}
}
