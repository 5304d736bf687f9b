// Package number writes measured numbers the way a person reads them.
package number

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchunit"
)

// A Scale writes values of one unit with a common prefix and a common number of digits, as benchstat does:
// 9216 of p99-ns is "9.216µs", 2048 of peak-RSS-bytes is "2.000KiB". Counts stay whole and never get a prefix
// below one.
type Scale struct {
	scaler benchunit.Scaler
	factor float64 // from the declared unit to the base unit
	suffix string
	plain  bool // three significant digits, no prefix
}

// beyond is from where no prefix helps.
const beyond = 1e16

// Common returns the scale that shows at least three digits of each of values, given in unit as declared.
// Values that are not finite don't count.
func Common(values []float64, unit string) Scale {
	factor, base := benchunit.Tidy(1, unit)
	s := Scale{factor: factor, suffix: suffix(base)}
	whole, low := true, math.Inf(1)
	var tidied []float64
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		v *= factor
		tidied = append(tidied, v)
		whole = whole && v == math.Trunc(v) && math.Abs(v) < 1000
		if v != 0 {
			low = min(low, math.Abs(v))
		}
	}
	s.scaler = benchunit.CommonScale(tidied, benchunit.ClassOf(base))
	switch {
	case whole && s.suffix != "s":
		s.scaler = benchunit.Scaler{Factor: 1}
	case low < 1 && s.suffix == "":
		s.plain = true
	}
	return s
}

// Format writes v, given in the declared unit.
func (s Scale) Format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "?"
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "-∞"
	case s.plain:
		return strconv.FormatFloat(v*s.factor, 'g', 3, 64)
	case math.Abs(v*s.factor) >= beyond:
		return strconv.FormatFloat(v*s.factor, 'g', 3, 64) + s.suffix
	}
	return s.scaler.Format(v*s.factor) + s.suffix
}

// Value writes one value of unit.
func Value(v float64, unit string) string { return Common([]float64{v}, unit).Format(v) }

// IsTime reports whether unit measures time.
func IsTime(unit string) bool {
	_, base := benchunit.Tidy(1, unit)
	return suffix(base) == "s"
}

// IsRate reports whether unit counts something per second.
func IsRate(unit string) bool {
	return strings.HasSuffix(unit, "/s") || strings.HasSuffix(unit, "/sec")
}

// suffix returns what is written behind the prefix: "s" of a time, "B" of bytes, nothing of the rest.
func suffix(base string) string {
	if benchunit.ClassOf(base) == benchunit.Binary {
		return "B"
	}
	numerator, _, _ := strings.Cut(base, "/")
	for word := range strings.FieldsFuncSeq(numerator, func(r rune) bool { return r == '-' || r == ' ' || r == '*' }) {
		if word == "sec" {
			return "s"
		}
	}
	return ""
}

// Percent writes a share, 0.03, as "3 %", with two significant digits below ten percent.
func Percent(share float64) string { return digits(100*share) + " %" }

// Margin writes a share as it was declared: 0.03 is "3 %", 0.005 is "0.5 %".
func Margin(share float64) string { return strconv.FormatFloat(100*share, 'g', 4, 64) + " %" }

func digits(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, 0):
		return strings.TrimSuffix(fmt.Sprint(x), "Inf") + "∞"
	case a == 0:
		return "0"
	case a < 0.995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case a < 9.95:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

// Change writes a ratio as a signed change, "-31 %"; beyond a factor of ten upwards and of a hundred downwards as
// the factor, "×12".
func Change(ratio float64) string {
	switch {
	case math.IsNaN(ratio):
		return "?"
	case math.IsInf(ratio, 1):
		return "+∞"
	case ratio >= 10 || ratio > 0 && ratio < 0.01:
		return "×" + strconv.FormatFloat(ratio, 'g', 3, 64)
	}
	text := digits(100 * (ratio - 1))
	if ratio > 1 {
		text = "+" + text
	}
	return text + " %"
}

// Delta writes a ratio as benchstat does: "-31.20%".
func Delta(ratio float64) string {
	if math.IsInf(ratio, 0) || math.IsNaN(ratio) || ratio >= 10 {
		return Change(ratio)
	}
	return fmt.Sprintf("%+.2f%%", 100*(ratio-1))
}

// Signed writes a difference in unit with its sign: "+3", "-1.200µs".
func Signed(v float64, s Scale) string {
	text := s.Format(v)
	if v > 0 {
		return "+" + text
	}
	return text
}

// Effect writes a ratio and its interval in words: "31 % lower [24 %, 38 %]". Without an interval lo and hi are NaN.
func Effect(ratio, lo, hi float64) string {
	word := "higher"
	if ratio < 1 {
		word = "lower"
	}
	if ratio >= 10 || ratio < 0.01 || ratio == 1 {
		return Change(ratio) + Interval(Change, lo, hi)
	}
	side := func(r float64) string {
		if r >= 10 || r < 0.01 || math.IsNaN(r) {
			return Change(r)
		}
		text := digits(100*math.Abs(r-1)) + " %"
		if (r < 1) == (ratio < 1) || r == 1 {
			return text
		}
		if r < 1 {
			return text + " lower"
		}
		return text + " higher"
	}
	if ratio < 1 {
		lo, hi = hi, lo
	}
	return side(ratio) + " " + word + Interval(side, lo, hi)
}

// Interval writes " [lo, hi]" by format, or nothing when an end is not a number.
func Interval(format func(float64) string, lo, hi float64) string {
	if math.IsNaN(lo) || math.IsNaN(hi) {
		return ""
	}
	return " [" + format(lo) + ", " + format(hi) + "]"
}

// P writes a p-value: "p=0.021", "p<0.001".
func P(p float64) string {
	if p < 0.001 {
		return "p<0.001"
	}
	return fmt.Sprintf("p=%.3f", p)
}

// Milliseconds writes a duration given in ms to three digits: "412ms", "3m20s".
func Milliseconds(ms float64) string {
	if math.IsNaN(ms) || math.IsInf(ms, 0) {
		return "?"
	}
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d >= time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// DisplayUnit is how much of unit, as declared, Tick writes as 1 when the axis' largest value is largest: 1024·1024 for
// bytes that are written as MiB. Round values of an axis are multiples of it.
func DisplayUnit(largest float64, unit string) float64 {
	s := Common([]float64{largest}, unit)
	if s.plain || s.factor == 0 || s.scaler.Factor == 0 || math.Abs(largest*s.factor) >= beyond {
		return 1
	}
	return s.scaler.Factor / s.factor
}

// Tick writes a round number for an axis whose largest value is largest: without zeros at its end, "1.5µs".
func Tick(v, largest float64, unit string) string {
	s := Common([]float64{largest}, unit)
	switch {
	case v == 0:
		return "0"
	case s.plain:
		return strconv.FormatFloat(v*s.factor, 'g', 6, 64)
	case math.Abs(largest*s.factor) >= beyond:
		return strconv.FormatFloat(v*s.factor, 'g', 3, 64) + s.suffix
	}
	text := strconv.FormatFloat(v*s.factor/s.scaler.Factor, 'f', 6, 64)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + s.scaler.Prefix + s.suffix
}
