package calibrate

import (
	"reflect"
	"strings"
	"testing"

	"tunelab/results"
)

// What has the smallest share of its comparisons comes first, and nothing when all have theirs.
func TestMostBehind(t *testing.T) {
	if u, share, done := mostBehind(nil, nil); done || share != 0 || u.subject == "" || u.kinds == KindLayouts || u.kinds == KindInjected {
		t.Errorf("%+v, %v, %v", u, share, done)
	}
	var all []Stored
	add := func(level float64, kind, name string, blocks int, draws int) {
		r := recording(1, blocks, 0.001, draws, 0) // so quiet that every try takes the ten blocks of its first look
		all = append(all, store(r, level, level, kind, name, 1, "", results.Host{}))
	}
	for _, s := range subjects {
		if s.starts {
			add(0, KindSame, s.name, 450, 0)
			all = append(all, store(seriesRecording(1, 80, 0.01), 0, 0, KindCount, s.name, 1, "", results.Host{}))
			continue
		}
		for _, level := range Levels {
			add(level, KindSame, s.name, 1300, 0)
			add(level, KindUsual, s.name, 1000, 0)
			all = append(all, store(seriesRecording(1, 80, 0.01), level, level, KindCount, s.name, 1, "", results.Host{}))
			for range 5 {
				add(level, KindLayouts, s.name, layoutsTried, layoutsTried)
			}
		}
		for _, extra := range s.extras {
			add(0, KindInjected, s.name, 450, 0)
			all[len(all)-1].Extra = extra
		}
	}
	if u, share, done := mostBehind(all, nil); !done {
		t.Errorf("all have theirs, and %+v is behind, with %v", u, share)
	}
	for i := range all {
		if all[i].Level == 0.25 && all[i].Kind == KindUsual && all[i].Benchmark == "raft" {
			all[i].Blocks = all[i].Blocks[:50]
		}
		if all[i].Level == 0.5 && all[i].Kind == KindSame && all[i].Benchmark == "uuid" {
			all[i].Blocks = all[i].Blocks[:200]
		}
	}
	u, share, done := mostBehind(all, nil)
	if done || u.level != 0.25 || u.kinds != kindsOfRates || u.subject != "raft" || share != 0.25 {
		t.Errorf("%+v, %v, %v", u, share, done)
	}
	if u, _, done := mostBehind(all, map[unit]bool{u: true}); done || u.level != 0.5 || u.subject != "uuid" {
		t.Errorf("the next: %+v, %v", u, done)
	}
}

func TestSameMachine(t *testing.T) {
	here := results.Host{CPU: "X", Cores: 2, Go: "go1.26.8"}
	other := here
	other.Cores = 4
	if err := sameMachine([]Stored{{Host: here}, {Host: here}}, here); err != nil {
		t.Error(err)
	}
	if err := sameMachine([]Stored{{Host: here}, {Host: other}}, here); err == nil || !strings.Contains(err.Error(), "4 cores") {
		t.Errorf("%v", err)
	}
}

// A recording that is kept comes back whole.
func TestEvaluateKeepsAll(t *testing.T) {
	r := recording(3, 12, 0.01, 8, 0.02)
	r.Extra, r.Plan = "spin", results.PlannedCase{Processes: r.Plan.Processes}
	r.Series = seriesRecording(4, 2, 0.01).Series
	back := store(r, 0.25, 0.26, KindInjected, "X", 7, "2026-11-23T12:00:00Z", results.Host{CPU: "X"}).Recording()
	if !reflect.DeepEqual(back, r) {
		t.Errorf("%+v came back as %+v", r, back)
	}
}

func TestRecorded(t *testing.T) {
	r := recording(1, 20, 0.01, 0, 0)
	var all []Stored
	for _, x := range []struct {
		level      float64
		kind, name string
	}{{0, KindSame, "B"}, {0, KindUsual, "B"}, {0, KindUsual, "A"}, {0.5, KindSame, "A"}, {0, KindSame, "B"}} {
		all = append(all, store(r, x.level, x.level, x.kind, x.name, 1, "", results.Host{}))
	}
	got, names := Recorded(all, 0)
	if len(names) != 1 || names[0] != "B" || len(got["B"].Same) != 2 || len(got["B"].Usual) != 1 {
		t.Errorf("%v, %+v", names, got)
	}
}
