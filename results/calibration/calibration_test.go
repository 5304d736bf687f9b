package calibration

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tunelab/results"
)

func sample() *Calibration {
	return &Calibration{
		Protocol: results.Protocol, Made: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Command: []string{"tunelab", "calibrate"},
		Host: results.Host{CPU: "AMD EPYC", Machine: "abc", Kernel: "6.18", Go: "go1.26.8", Cores: 2},
		Benchmarks: []Benchmark{
			{Name: "A", Smallest80: 0.02, Methods: []Method{{Name: "tunelab", Ours: true, Same: Rate{Hits: 2, Tries: 40}}, {Name: "other", Same: Rate{Hits: 9, Tries: 20}}}},
			{Name: "B", Smallest80: 0.05, Methods: []Method{{Name: "tunelab", Ours: true, Same: Rate{Hits: 1, Tries: 40}}}},
		},
	}
}

func TestWriteAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	if c, err := Read(dir); c != nil || err != nil {
		t.Errorf("where there is none: %v, %v", c, err)
	}
	want := sample()
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "tunelab calibrate") {
		t.Errorf("a torn file: %v", err)
	}
}

func TestTrust(t *testing.T) {
	c := sample()
	now := c.Host
	if got := c.Trust(now); got.Flagged != 3 || got.Tries != 80 || got.Smallest != 0.05 || got.Stale != "" || !got.Made.Equal(c.Made) {
		t.Errorf("%+v", got)
	}
	lo, hi := c.FalseAlarmInterval()
	if lo < 0.005 || lo > 0.02 || hi < 0.08 || hi > 0.13 {
		t.Errorf("3 of 80: %v to %v", lo, hi)
	}
	if r := c.Reject(now); r.Busy != 0 {
		t.Errorf("a rule out of nothing: %+v", r)
	}
	c.Busy = 0.4
	if r := c.Reject(now); r.Busy != 0.4 || r.Why != "by the calibration of 2026-11-23" {
		t.Errorf("%+v", r)
	}
	now.Kernel, now.Go = "6.19", "go1.27"
	if r := c.Reject(now); r.Busy != 0 {
		t.Errorf("by a calibration of another machine: %+v", r)
	}
	if got := c.Trust(now).Stale; got != "kernel 6.18, now 6.19; Go go1.26.8, now go1.27" {
		t.Errorf("stale: %q", got)
	}
	c.Protocol--
	if got := c.Stale(c.Host); !strings.Contains(got, "protocol") {
		t.Errorf("another protocol: %q", got)
	}
	c.Benchmarks[1].Smallest80 = 0
	if got := c.Trust(now); got.Smallest != 0 {
		t.Errorf("one found nothing: %+v", got)
	}
	if _, ok := (&Calibration{}).Smallest(); ok {
		t.Error("no benchmark found something")
	}
}
