package kernel

import (
	"strings"
	"testing"
	"testing/fstest"
)

// tree makes a Tree of path, contents, path, contents, …
func tree(pairs ...string) Tree {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return Of(fsys)
}

func TestCountCPUs(t *testing.T) {
	for list, want := range map[string]int{
		"0": 1, "0-3": 4, "0-1,4,6-7\n": 5, "2-2": 1,
		"": 0, "-": 0, "0-": 0, "-1": 0, "3-1": 0, "0,": 0, "a": 0, "0-99999999": 0,
		"0-65535,0-65535": 0, "99999999999999999999": 0,
	} {
		if got, ok := CountCPUs(list); ok != (want > 0) || ok && got != want {
			t.Errorf("CountCPUs(%q) = %d, %v; want %d", list, got, ok, want)
		}
	}
}

func TestClean(t *testing.T) {
	long := strings.Repeat("é", 150)
	for text, want := range map[string]string{
		" AMD\tEPYC  \n": "AMD EPYC", "": "", "\x1b[31m": "", "a\x00b": "", "\xff": "", "é": "é",
		long: strings.Repeat("é", 100) + "…",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"5\n": 5, "-1": -1, " 7 ": 7} {
		if got, ok := tree("f", text).Number("f"); !ok || got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "x", "1 2", "1.5", "9223372036854775807", "99999999999999999999"} {
		if got, ok := tree("f", text).Number("f"); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestStat(t *testing.T) {
	got, err := tree("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 9 9 9 9 9 9 9 9\nctxt 77\n").Stat()
	if want := (Stat{BusyMS: 190, IdleMS: 90, StealMS: 80, Switches: 77}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, text := range []string{
		"", "ctxt 77\n", "cpu 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 4 5 6 7\nctxt 1\n",
		"cpu 1 2 3 4 5 6 7 -8\nctxt 1\n", "cpu 1 2 3 4 5 6 7 4611686018427387904\nctxt 1\n", "cpu 1 2 3 4 5 6 7 8\nctxt x\n",
	} {
		if got, err := tree("proc/stat", text).Stat(); err == nil || !strings.HasPrefix(err.Error(), "proc/stat") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseProcess(t *testing.T) {
	const rest = " S 5 1 1 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 900 1 1"
	for _, test := range []struct {
		line string
		want Process
		ok   bool
	}{
		{"42 (sh)" + rest, Process{42, 5, "sh", 900, 70}, true},
		{"42 (a (b) c) d)" + rest, Process{42, 5, "a (b) c) d", 900, 70}, true},
		{"42 (x\x1b[31m\n)" + rest, Process{42, 5, "?", 900, 70}, true},
		{"42 ()" + rest, Process{42, 5, "?", 900, 70}, true},
		{"42 (sh) S 5 1 1 0", Process{}, false},
		{"42 )sh(" + rest, Process{}, false},
		{"-42 (sh)" + rest, Process{}, false},
		{"x (sh)" + rest, Process{}, false},
		{"42 (sh)" + strings.Replace(rest, " 3 4 ", " 3 -4 ", 1), Process{}, false},
		{"", Process{}, false},
	} {
		if got, ok := parseProcess(test.line); ok != test.ok || ok && got != test.want {
			t.Errorf("%q: %+v, %v", test.line, got, ok)
		}
	}
}

// The mount lines of the two cgroup versions, as systemd and Docker make them.
const (
	v1 = "33 31 0:29 / /cg/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
	v2 = "34 31 0:30 / /cg/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
	in = "35 31 0:30 /docker/abc /cg/own rw,relatime master:3 - cgroup2 cgroup2 rw\n"
)

func TestCgroupDirs(t *testing.T) {
	for _, test := range []struct {
		name, cgroup, mounts string
		version              int
		dirs                 string // separated by spaces; "" when none is found
	}{
		{"v1 root", "3:cpu,cpuacct:/\n0::/x\n", v2 + v1, 1, "cg/cpu,cpuacct"},
		{"v1 nested", "3:cpuacct,cpu:/a/b\n", v1, 1, "cg/cpu,cpuacct/a/b cg/cpu,cpuacct/a cg/cpu,cpuacct"},
		{"cpuset is not cpu", "3:cpuset:/\n", v1, 0, ""},
		{"v1 not mounted", "3:cpu:/a\n0::/x\n", v2, 2, "cg/unified/x cg/unified"},
		{"v2", "0::/x/y\n", v2, 2, "cg/unified/x/y cg/unified/x cg/unified"},
		{"a colon in the name", "0::/x:y\n", v2, 2, "cg/unified/x:y cg/unified"},
		{"Docker mounts its own part", "0::/docker/abc/z\n", in, 2, "cg/own/z cg/own"},
		{"another container's part", "0::/docker/abcd\n", in, 0, ""},
		{"outside the name space", "0::/../other\n", v2, 0, ""},
		{"a folder that isn't there", "0::/gone\n", v2, 0, ""},
		{"nothing", "", "", 0, ""},
		{"garbage", "0::x\n::\n:\n", "- - - -\n / / - cgroup2\n", 0, ""},
	} {
		fsys := fstest.MapFS{
			"proc/self/cgroup":    {Data: []byte(test.cgroup)},
			"proc/self/mountinfo": {Data: []byte(test.mounts)},
		}
		for _, dir := range []string{"cpu,cpuacct/a/b", "unified/x/y", "unified/x:y", "own/z", "other"} {
			fsys["cg/"+dir+"/cgroup.procs"] = &fstest.MapFile{}
		}
		g, err := Of(fsys).Cgroup()
		if got := strings.Join(g.Dirs, " "); got != test.dirs || g.Version != test.version || (err == nil) != (test.dirs != "") {
			t.Errorf("%s: version %d, %q, %v", test.name, g.Version, got, err)
		}
	}
}

func TestLimit(t *testing.T) {
	for _, test := range []struct {
		name    string
		version int
		files   []string // in a/b and a
		want    Limit
		ok      bool
	}{
		{"v2 none", 2, []string{"a/b/cpu.max", "max 100000\n", "a/x", ""}, Limit{}, true},
		{"v2 own", 2, []string{"a/b/cpu.max", "50000 100000\n", "a/cpu.max", "max 100000\n"}, Limit{0.5, "a/b"}, true},
		{"v2 parent is tighter", 2, []string{"a/b/cpu.max", "400000 100000\n", "a/cpu.max", "150000 100000\n"}, Limit{1.5, "a"}, true},
		{"v2 parent is garbage", 2, []string{"a/b/cpu.max", "400000 100000\n", "a/cpu.max", "x\n"}, Limit{}, false},
		{"v2 no period", 2, []string{"a/b/cpu.max", "400000\n"}, Limit{}, false},
		{"v2 zero", 2, []string{"a/b/cpu.max", "0 0\n"}, Limit{}, false},
		{"v2 negative", 2, []string{"a/b/cpu.max", "-1 100000\n"}, Limit{}, false},
		{"v1 none", 1, []string{"a/b/cpu.cfs_quota_us", "-1\n"}, Limit{}, true},
		{"v1 own", 1, []string{"a/b/cpu.cfs_quota_us", "20000\n", "a/b/cpu.cfs_period_us", "10000\n"}, Limit{2, "a/b"}, true},
		{"v1 parent", 1, []string{"a/cpu.cfs_quota_us", "20000\n", "a/cpu.cfs_period_us", "10000\n", "a/b/x", ""}, Limit{2, "a"}, true},
		{"v1 no period", 1, []string{"a/b/cpu.cfs_quota_us", "20000\n"}, Limit{}, false},
		{"v1 zero period", 1, []string{"a/b/cpu.cfs_quota_us", "20000\n", "a/b/cpu.cfs_period_us", "0\n"}, Limit{}, false},
		{"v1 garbage", 1, []string{"a/b/cpu.cfs_quota_us", "\x00\n"}, Limit{}, false},
	} {
		got, ok := tree(test.files...).Limit(Cgroup{test.version, []string{"a/b", "a"}})
		if got != test.want || ok != test.ok {
			t.Errorf("%s: %+v, %v; want %+v, %v", test.name, got, ok, test.want, test.ok)
		}
	}
}

func TestThrottled(t *testing.T) {
	g := Cgroup{2, []string{"a/b", "a"}}
	for _, test := range []struct {
		own, parent string
		want        int64
		ok          bool
	}{
		{"nr_throttled 1\nthrottled_usec 7000\n", "usage_usec 9\n", 7, true},
		{"throttled_time 7000000\n", "throttled_time 2000000\n", 9, true},
		{"", "", 0, true},
		{"throttled_usec x\n", "", 0, false},
		{"throttled_usec\n", "", 0, false},
		{"throttled_usec -7\n", "", 0, false},
	} {
		got, ok := tree("a/b/cpu.stat", test.own, "a/cpu.stat", test.parent).ThrottledMS(g)
		if got != test.want || ok != test.ok {
			t.Errorf("%q, %q: %d, %v", test.own, test.parent, got, ok)
		}
	}
	if ms, ok := tree("a/b/cpu.stat", "").ThrottledMS(g); ok {
		t.Errorf("with the parent's file missing: %d ms", ms)
	}
}

// FuzzFiles feeds one text to every reader: none may panic, and no number may
// be negative.
func FuzzFiles(f *testing.F) {
	f.Add("cpu  1 2 3 4 5 6 7 8 9 10\nctxt 5\n")
	f.Add("1 (a b) S 5 1 1 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 900 1 1")
	f.Add("0::/a\n")
	f.Add(v1 + v2 + in)
	f.Add("50000 100000\n")
	f.Fuzz(func(t *testing.T, text string) {
		tr := tree("proc/stat", text, "proc/1/stat", text, "proc/self/stat", text, "proc/self/cgroup", text,
			"proc/self/mountinfo", text, "cpu.max", text, "cpu.stat", text)
		if s, err := tr.Stat(); err == nil && min(s.BusyMS, s.IdleMS, s.StealMS, s.Switches) < 0 {
			t.Errorf("%+v", s)
		}
		for _, p := range tr.Processes() {
			if p.PID <= 0 || p.Parent < 0 || p.CPUMS < 0 || Clean(p.Name) != p.Name {
				t.Errorf("%+v", p)
			}
		}
		g, _ := tr.Cgroup()
		tr.Limit(g)
		for version := 1; version <= 2; version++ {
			if l, ok := tr.Limit(Cgroup{version, []string{"."}}); ok && l.CPUs < 0 {
				t.Errorf("%+v", l)
			}
		}
		if ms, ok := tr.ThrottledMS(Cgroup{2, []string{"."}}); ok && ms < 0 {
			t.Errorf("throttled for %d ms", ms)
		}
	})
}
