package trend

import (
	"math"
	"time"
)

// A day is a place on the axis of time.
type day struct {
	at   time.Time
	text string
}

// days are up to about n beginnings of days or months between two times, as evenly as the calendar allows.
func days(from, to time.Time, n int) []day {
	from, to, n = from.UTC(), to.UTC(), max(n, 2)
	midnight := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	length := int(to.Sub(midnight).Hours() / 24)
	var out []day
	if length <= 20*n && length <= 100 {
		every := 1
		for _, e := range []int{1, 2, 4, 7, 14} {
			if every = e; length/e <= n {
				break
			}
		}
		for t := midnight; !t.After(to); t = t.AddDate(0, 0, every) {
			out = append(out, day{t, t.Format("2 Jan")})
		}
		return out
	}
	months := 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
	every := 1
	for _, e := range []int{1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 12000} {
		if every = e; months/e <= n {
			break
		}
	}
	first := time.Date(from.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	for t := first; !t.After(to) && len(out) <= 2*n; t = t.AddDate(0, every, 0) {
		if !t.Before(from) {
			out = append(out, day{t, t.Format("Jan 2006")})
		}
	}
	return out
}

// Round returns up to about n multiples of 1, 2 or 5 times a power of ten between two positive values; powers of ten where
// these lie more than a factor of 20 apart.
func Round(lo, hi float64, n int) []float64 {
	if !(hi > lo) || !isFinite(hi) || !isFinite(lo) {
		return nil
	}
	var out []float64
	if lo > 0 && hi/lo > 20 {
		first, last := math.Ceil(math.Log10(lo)), math.Floor(math.Log10(hi))
		every := max(1, math.Ceil((last-first)/float64(n)))
		for e := first; e <= last; e += every {
			out = append(out, math.Pow(10, e))
		}
		return out
	}
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, factor := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(step*factor) <= float64(n) {
			step *= factor
			break
		}
	}
	for k := math.Ceil(lo / step); k*step <= hi && len(out) <= 2*n; k++ {
		out = append(out, k*step+0) // no negative zero
	}
	return out
}
