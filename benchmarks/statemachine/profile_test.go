package statemachine

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"tunelab/harness/probe"
)

// BenchmarkSagaProfile is BenchmarkSagaSaturated under the CPU profiler, whose
// signals cost something: so it reports shares of CPU time and no throughput.
func BenchmarkSagaProfile(b *testing.B) {
	for _, v := range Variants() {
		for _, inflight := range []int{64, 1024} {
			b.Run(fmt.Sprintf("impl=%s/%s/inflight=%d", v.Name, costPart(0), inflight), func(b *testing.B) {
				profileSagas(b, v, inflight)
			})
		}
	}
}

func profileSagas(b *testing.B, v Variant, inflight int) {
	l := startLoad(v, serviceOf(0), b.N)
	if err := l.warm(0); err != nil {
		b.Fatal(err)
	}
	var raw bytes.Buffer
	m := probe.Start(b)
	if err := pprof.StartCPUProfile(&raw); err != nil {
		b.Fatalf("%v; run without -cpuprofile", err)
	}
	err := l.closed(warmups, b.N, inflight)
	pprof.StopCPUProfile()
	m.Stop()
	if err != nil {
		b.Fatal(err)
	}
	l.close()
	m.Report(probe.Load{})
	p, err := profile.Parse(&raw)
	if err != nil {
		b.Fatal(err)
	}
	s := sharesOf(p)
	b.ReportMetric(s.send, "chansend-share")
	b.ReportMetric(s.channel, "channel-share")
	b.ReportMetric(s.lock, "lock-share")
	b.ReportMetric(s.samples, "profile-samples")
}

// shares are parts of a profile's CPU time, cumulative: what is called by the
// function counts, too.
type shares struct {
	send    float64 // runtime.chansend1
	channel float64 // any channel operation
	lock    float64 // a lock's methods, as called by a variant's own code
	samples float64
}

func sharesOf(p *profile.Profile) shares {
	var s shares
	for _, sample := range p.Sample {
		stack := functions(sample)
		n := float64(sample.Value[0])
		s.samples += n
		if anywhere(stack, "runtime.chansend1") {
			s.send += n
		}
		if anywhere(stack, "runtime.chansend1", "runtime.chanrecv1", "runtime.chanrecv2", "runtime.selectgo") {
			s.channel += n
		}
		if inVariantsLock(stack) {
			s.lock += n
		}
	}
	if s.samples > 0 {
		s.send, s.channel, s.lock = s.send/s.samples, s.channel/s.samples, s.lock/s.samples
	}
	return s
}

// functions returns a sample's stack, the innermost function first, inlined
// ones included.
func functions(s *profile.Sample) (stack []*profile.Function) {
	for _, location := range s.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				stack = append(stack, line.Function)
			}
		}
	}
	return stack
}

func anywhere(stack []*profile.Function, names ...string) bool {
	for _, f := range stack {
		for _, name := range names {
			if f.Name == name {
				return true
			}
		}
	}
	return false
}

// inVariantsLock reports whether a stack is in a method of a lock that a file
// of a variant calls. The participants' own lock is not meant.
func inVariantsLock(stack []*profile.Function) bool {
	for i, f := range stack[:max(len(stack)-1, 0)] {
		lock := strings.HasPrefix(f.Name, "sync.(*Mutex).") || strings.HasPrefix(f.Name, "sync.(*RWMutex).")
		if lock && isVariantsFile(stack[i+1].Filename) {
			return true
		}
	}
	return false
}

func isVariantsFile(name string) bool {
	for _, v := range Variants() {
		for _, source := range v.Sources {
			if filepath.Base(name) == source && strings.Contains(filepath.ToSlash(name), "statemachine/") {
				return true
			}
		}
	}
	return false
}

func TestSharesOf(t *testing.T) {
	stack := func(names ...string) *profile.Sample {
		s := &profile.Sample{Value: []int64{1, 10_000_000}}
		for _, n := range names {
			name, file, _ := strings.Cut(n, "@")
			s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name, Filename: file}}}})
		}
		return s
	}
	ours := "/x/benchmarks/statemachine/"
	p := &profile.Profile{Sample: []*profile.Sample{
		stack("runtime.lock2", "runtime.chansend", "runtime.chansend1", "Deliver@"+ours+"channel.go"),
		stack("runtime.gopark", "runtime.chanrecv", "runtime.chanrecv1", "ask@"+ours+"channel.go"),
		stack("runtime.chansend", "runtime.selectnbsend", "rouse@"+ours+"participants.go"),
		stack("internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock", "Deliver@"+ours+"mutex.go"),
		stack("sync.(*Mutex).Unlock", "call@"+ours+"participants.go"),
		stack("sync.(*Mutex).Lock"),
		stack("sync.(*Mutex).Lock", "other@/elsewhere/mutex.go"),
		stack(),
	}}
	if got, want := sharesOf(p), (shares{send: 1. / 8, channel: 2. / 8, lock: 1. / 8, samples: 8}); got != want {
		t.Errorf("shares %+v, want %+v", got, want)
	}
	if got := sharesOf(new(profile.Profile)); got != (shares{}) {
		t.Errorf("shares of an empty profile: %+v", got)
	}
}
