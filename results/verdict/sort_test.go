package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 6))
	for _, top := range []uint32{1, 5, 1000, 1024, 300000, math.MaxUint32} {
		for _, want := range []int{0, 1, 10, 500, 1000} {
			values := make([]uint32, 500)
			for i := range values {
				values[i] = uint32(r.Uint64N(uint64(top) + 1))
			}
			sorted, from := largest(values, want)
			descending := slices.Clone(values)
			slices.SortFunc(descending, func(a, b uint32) int { return int(int64(b) - int64(a)) })
			if len(sorted) < min(want, len(values)) || !slices.Equal(sorted, descending[:len(sorted)]) {
				t.Errorf("the largest %d of values up to %d are %d wrong ones", want, top, len(sorted))
			}
			if n := len(sorted); n > 0 && n < len(values) && descending[n] == sorted[n-1] {
				t.Errorf("the largest %d of values up to %d end within ties", want, top)
			}
			for i, v := range from {
				if values[v] != sorted[i] {
					t.Errorf("value %d of the sorted is said to be number %d, which is %d", i, v, values[v])
				}
			}
		}
	}
}
