package gate

import (
	"slices"
	"testing"
	"time"

	"tunelab/harness/repo"
	"tunelab/results/nights"
)

// Changed code comes first, then what was not measured for longest, then what has fewer benchmarks.
func TestOrderOfPackages(t *testing.T) {
	night := func(day int, pkg string, cases ...string) *nights.Night {
		n := &nights.Night{Started: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)}
		for _, c := range cases {
			n.Points = append(n.Points, nights.Point{Package: pkg, Benchmark: c})
		}
		return n
	}
	pkg := func(name string, benchmarks int) *Package {
		return &Package{Package: repo.Package{Dir: name, Benchmarks: make([]string, benchmarks)}, ImportPath: "m/" + name}
	}
	for _, c := range []struct {
		name   string
		first  []string
		nights []*nights.Night
		want   []string
	}{
		{"nothing known", nil, nil, []string{"small", "old", "new"}},
		{"changed", []string{"new"}, nil, []string{"new", "small", "old"}},
		{"by its path", []string{"m/old"}, nil, []string{"old", "small", "new"}},
		{"longest ago", nil, []*nights.Night{night(1, "m/old", "A"), night(2, "m/small", "A"), night(3, "m/new", "A")}, []string{"old", "small", "new"}},
		{"never comes before", nil, []*nights.Night{night(1, "m/old", "A"), night(2, "m/small", "A")}, []string{"new", "old", "small"}},
		{"the oldest of its cases counts", nil, []*nights.Night{night(1, "m/new", "B"), night(2, "m/old", "A"), night(3, "m/small", "A"), night(4, "m/new", "A")}, []string{"new", "old", "small"}},
		{"changed before longest ago", []string{"new"}, []*nights.Night{night(1, "m/old", "A"), night(5, "m/new", "A"), night(6, "m/small", "A")}, []string{"new", "old", "small"}},
	} {
		q := &Question{First: c.first, Since: since(c.nights)}
		list := []*Package{pkg("new", 5), pkg("old", 3), pkg("small", 1)}
		slices.SortStableFunc(list, q.compare)
		var got []string
		for _, p := range list {
			got = append(got, p.Dir)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
