package gc

import (
	"runtime/debug"
	"testing"
)

func TestKibibytes(t *testing.T) {
	const text = "7f00-7fff ---p 00000000 00:00 0 [rollup]\nRss:                1700 kB\nLazyFree:              0 kB\nOdd: 12 MB\nNone:\n"
	for key, want := range map[string]float64{"Rss:": 1700 * 1024, "LazyFree:": 0} {
		if got, err := kibibytes(text, key); err != nil || got != want {
			t.Errorf("%s %v, %v; want %v", key, got, err, want)
		}
	}
	for _, key := range []string{"Odd:", "None:", "Missing:"} {
		if got, err := kibibytes(text, key); err == nil {
			t.Errorf("%s %v without an error", key, got)
		}
	}
}

func TestThisProcess(t *testing.T) {
	r, err := resident()
	if err != nil || r.RSS < 1<<20 || r.LazyFree > r.RSS {
		t.Errorf("resident %+v, %v", r, err)
	}
	if peak, err := peakRSS(); err != nil || peak < r.RSS/2 {
		t.Errorf("peak %v, %v; resident now %v", peak, err, r.RSS)
	}
	debug.FreeOSMemory() // or the pages of earlier tests would be filled again
	before, err := minorFaults()
	if err != nil {
		t.Fatal(err)
	}
	fillWave(8)
	if after, _ := minorFaults(); after <= before {
		t.Errorf("%d page faults before touching 8 MiB, %d after", before, after)
	}
}
