package calibrate

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tunelab/results"
)

func TestStoreAndLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "evaluation")
	if all, err := Load(dir); len(all) != 0 || err != nil {
		t.Errorf("nothing yet: %v, %v", all, err)
	}
	r := recording(9, 20, 0.01, 8, 0.02)
	var want []Stored
	for i, name := range []string{"B", "A", "B"} {
		s := store(r, 0.25*float64(i), 0, KindSame, name, uint64(i), "2026-11-23T12:00:00Z", results.Host{CPU: "X"})
		if err := s.Append(dir); err != nil {
			t.Fatal(err)
		}
		want = append(want, s)
	}
	got, err := Load(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %+v", err, got)
	}
	if !reflect.DeepEqual(Benchmarks(got), []string{"A", "B"}) {
		t.Errorf("benchmarks %v", Benchmarks(got))
	}
	back := Select(got, 0.5, KindSame, "B")
	if len(back) != 1 || !reflect.DeepEqual(back[0].Trace, r.Trace) || back[0].Draws != 8 || back[0].Inside != 0.9 {
		t.Errorf("%+v", back)
	}
	if none := Select(got, 0.5, KindUsual, "B"); len(none) != 0 {
		t.Errorf("%+v", none)
	}

	// Killed while it wrote: what is whole is read. Nonsense in the middle is an error with its line.
	path := filepath.Join(dir, TracesFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, append(whole, `{"level":0.5,"ki`...), 0o666)
	if got, err := Load(dir); err != nil || len(got) != 3 {
		t.Errorf("a torn end: %d traces, %v", len(got), err)
	}
	if err := want[0].Append(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(dir); err != nil || len(got) != 4 {
		t.Errorf("one more behind a torn end: %d traces, %v", len(got), err)
	}
	os.WriteFile(path, append([]byte("nonsense\n"), whole...), 0o666)
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "traces.jsonl:1:") {
		t.Errorf("nonsense: %v", err)
	}
}
