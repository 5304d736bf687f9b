package number

import (
	"math"
	"testing"
)

var nan, inf = math.NaN(), math.Inf(1)

func TestValue(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{9216, "p99-ns", "9.216µs"},
		{412, "ns/op", "412.0ns"},
		{2048, "peak-RSS-bytes", "2.000KiB"},
		{1500, "B/op", "1.465KiB"},
		{12.5, "MB/s", "11.92MiB"},
		{10240, "req/s", "10.24k"},
		{3, "allocs/op", "3"},
		{0, "allocs/op", "0"},
		{0.047, "schedule-miss-share", "0.047"},
		{1e-7, "share", "1e-07"},
		{0, "ns/op", "0.000s"},
		{nan, "ns/op", "?"},
		{inf, "ns/op", "∞"},
		{-inf, "ns/op", "-∞"},
	} {
		if got := Value(c.v, c.unit); got != c.want {
			t.Errorf("Value(%v, %q) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		ratio               float64
		change, delta, word string
	}{
		{0.69, "-31 %", "-31.00%", "31 % lower"},
		{1.5, "+50 %", "+50.00%", "50 % higher"},
		{1.004, "+0.40 %", "+0.40%", "0.40 % higher"},
		{0.95, "-5.0 %", "-5.00%", "5.0 % lower"},
		{1, "0 %", "+0.00%", "0 %"},
		{12.3, "×12.3", "×12.3", "×12.3"},
		{0.002, "×0.002", "-99.80%", "×0.002"},
		{0, "-100 %", "-100.00%", "-100 %"},
		{inf, "+∞", "+∞", "+∞"},
		{nan, "?", "?", "? higher"},
	} {
		if got := Change(c.ratio); got != c.change {
			t.Errorf("Change(%v) = %q, want %q", c.ratio, got, c.change)
		}
		if got := Delta(c.ratio); got != c.delta {
			t.Errorf("Delta(%v) = %q, want %q", c.ratio, got, c.delta)
		}
		if got := Effect(c.ratio, nan, nan); got != c.word {
			t.Errorf("Effect(%v) = %q, want %q", c.ratio, got, c.word)
		}
	}
}

func TestEffect(t *testing.T) {
	for _, c := range []struct {
		ratio, lo, hi float64
		want          string
	}{
		{0.69, 0.62, 0.76, "31 % lower [24 %, 38 %]"},
		{1.2, 1.1, 1.3, "20 % higher [10 %, 30 %]"},
		{0.98, 0.95, 1.02, "2.0 % lower [2.0 % higher, 5.0 %]"},
		{1.02, 0.97, 1.05, "2.0 % higher [3.0 % lower, 5.0 %]"},
		{0.5, 0.4, inf, "50 % lower [+∞, 60 %]"},
		{20, 5, 80, "×20 [+400 %, ×80]"},
		{1, 0.99, 1.01, "0 % [-1.0 %, +1.0 %]"},
	} {
		if got := Effect(c.ratio, c.lo, c.hi); got != c.want {
			t.Errorf("Effect(%v, %v, %v) = %q, want %q", c.ratio, c.lo, c.hi, got, c.want)
		}
	}
}

func TestOthers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Percent(0.051), "5.1 %"}, {Percent(0.5), "50 %"}, {Percent(0), "0 %"}, {Percent(inf), "+∞ %"}, {Percent(nan), "? %"},
		{Margin(0.03), "3 %"}, {Margin(0.005), "0.5 %"}, {Margin(0.125), "12.5 %"},
		{P(0.0213), "p=0.021"}, {P(1), "p=1.000"}, {P(0.0004), "p<0.001"}, {P(0), "p<0.001"},
		{Milliseconds(0.412), "410µs"}, {Milliseconds(412), "412ms"}, {Milliseconds(1234), "1.23s"},
		{Milliseconds(200_000), "3m20s"}, {Milliseconds(3_900_000), "1h5m"}, {Milliseconds(nan), "?"},
		{Tick(1500, 3000, "ns/op"), "1.5µs"}, {Tick(0, 3000, "ns/op"), "0"}, {Tick(500, 3000, "ns/op"), "0.5µs"},
		{Tick(0.05, 0.2, "share"), "0.05"}, {Tick(40, 60, ""), "40"}, {Tick(2e6, 4e6, "req/s"), "2M"},
		{Signed(3, Common([]float64{3}, "allocs/op")), "+3"}, {Signed(-1200, Common([]float64{-1200}, "ns/op")), "-1.200µs"},
		{Interval(Change, 0.9, nan), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if !IsTime("p99-ns") || IsTime("req/s") || IsTime("B/op") || !IsRate("req/s") || IsRate("ns/op") {
		t.Error("units are mistaken for others")
	}
}
