package machine

import (
	"testing"
	"time"
)

func TestAdvice(t *testing.T) {
	c := func(name, state string) Check { return Check{Name: name, State: state} }
	for _, test := range []struct {
		checks []Check
		want   string
	}{
		{nil, "unknown: nothing could be checked on this machine"},
		{[]Check{c("a", Unknown)}, "unknown: nothing could be checked on this machine"},
		{[]Check{c("a", OK), c("b", Info)}, "ok: nothing found that disturbs measurements"},
		{[]Check{c("a", OK), c("b", OK), c("c", Unknown)}, "ok: nothing found that disturbs measurements; unknown: c"},
		{[]Check{c("a", OK), c("b", Unknown)}, "unknown: b; the others found nothing that disturbs measurements"},
		{[]Check{c("a", Warn), c("b", OK)}, "warn: a"},
		{[]Check{c("a", Warn), c("b", Bad), c("c", Warn), c("d", Unknown)}, "bad: b; warn: a, c; unknown: d"},
		{[]Check{c("a", Bad), c("b", Unknown), c("c", Unknown), c("d", Unknown), c("e", Unknown), c("f", Unknown)},
			"bad: a; unknown: 5 of 6 checks"},
	} {
		if got := Advice(test.checks); got != test.want {
			t.Errorf("Advice(%v) = %q, want %q", test.checks, got, test.want)
		}
	}
}

func TestSince(t *testing.T) {
	ms := func(n int64) *int64 { return &n }
	before := Counters{StealMS: 10, BusyMS: 100, IdleMS: 500, ContextSwitches: 7, ThrottledMS: ms(5), Stalls: &Stalls{CPU: 5}}

	after := Counters{StealMS: 10, BusyMS: 150, IdleMS: 900, ContextSwitches: 9, ThrottledMS: ms(8), Stalls: &Stalls{CPU: 7}}
	d := after.Since(before)
	if d.StealMS != 0 || d.BusyMS != 50 || d.IdleMS != 400 || d.ContextSwitches != 2 || d.Backwards ||
		*d.ThrottledMS != 3 || *d.Stalls != (Stalls{CPU: 2}) {
		t.Errorf("%+v", d)
	}
	for own, want := range map[time.Duration]int64{0: 50, 20 * time.Millisecond: 30, time.Second: 0} {
		if got := d.ForeignMS(own); got != want {
			t.Errorf("foreign time with %v of our own: %d ms, want %d", own, got, want)
		}
	}

	// One counter runs backwards, and what was known at one end only is unknown.
	after = Counters{StealMS: 9, BusyMS: 150, IdleMS: 900, ContextSwitches: 9}
	d = after.Since(before)
	if d.StealMS != 0 || d.BusyMS != 50 || !d.Backwards || d.ThrottledMS != nil || d.Stalls != nil {
		t.Errorf("%+v", d)
	}
}

// TestMachineHash pins down what makes a machine another one.
func TestMachineHash(t *testing.T) {
	const gib = 1 << 30
	base := Identity{CPU: "x", OnlineCPUs: 2, MemoryBytes: 16 * gib * 97 / 100}
	hash := base.hash("id")
	for _, test := range []struct {
		name      string
		change    func(*Identity) (machineID string)
		different bool
	}{
		{"another kernel and boot", func(id *Identity) string { id.Kernel, id.BootID = "y", "z"; return "id" }, false},
		{"fewer usable CPUs", func(id *Identity) string { id.CPUs = 1; return "id" }, false},
		{"a kernel that keeps 100 MiB more", func(id *Identity) string { id.MemoryBytes -= 100 << 20; return "id" }, false},
		{"another CPU", func(id *Identity) string { id.CPU = "y"; return "id" }, true},
		{"more CPUs", func(id *Identity) string { id.OnlineCPUs = 4; return "id" }, true},
		{"more memory", func(id *Identity) string { id.MemoryBytes *= 2; return "id" }, true},
		{"another machine-id", func(id *Identity) string { return "id2" }, true},
		{"no machine-id", func(id *Identity) string { return "" }, true},
		{"an unknown CPU", func(id *Identity) string { id.CPU = unknown; return "id" }, true},
	} {
		id := base
		got := id.hash(test.change(&id))
		if len(got) != 12 || (got != hash) != test.different {
			t.Errorf("%s: %s, was %s", test.name, got, hash)
		}
	}
	if got := (Identity{CPU: unknown, MemoryBytes: gib}).hash(""); got != unknown {
		t.Errorf("a machine of which only the memory is known: %s", got)
	}
}

func TestDescends(t *testing.T) {
	parent := map[int]int{1: 0, 2: 1, 3: 2, 4: 3, 7: 8, 8: 7, 9: 99}
	for _, test := range []struct {
		pid, ancestor int
		want          bool
	}{
		{4, 2, true}, {2, 2, true}, {1, 2, false}, {2, 4, false},
		{7, 2, false}, // a circle
		{9, 2, false}, // a parent that has ended
	} {
		if got := descends(test.pid, test.ancestor, parent); got != test.want {
			t.Errorf("descends(%d, %d) = %v", test.pid, test.ancestor, got)
		}
	}
}
