// Package calibrate is what `tunelab calibrate` measures to find out what this
// machine lets one find out: four workloads that lean on different parts of it,
// and a way to make each slower by a known amount.
//
//	SHA256   computes: the hash of 1 KiB
//	Chase    waits for memory: 256 dependent loads from 64 MiB
//	JSON     allocates: encodes and decodes a small document
//	Mutex    contends: all CPUs take one lock in turn
//
// $TUNELAB_EXTRA says what is added to each operation, nothing where it is not
// set: "SHA256=12*spin,JSON=1*alloc". Of Mutex it is inside the lock.
//
//	spin    a multiplication that waits for the one before; Spin measures one
//	alloc   an allocation of 64 bytes
//	line    a load from 64 MiB, mostly of a line that no cache has
//	hop     a message to another goroutine and its answer
//
// $TUNELAB_INIT is how long the process computes before anything else, as a
// heavy package initialisation would: 500ms, say.
package calibrate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	extraVar = "TUNELAB_EXTRA"
	initVar  = "TUNELAB_INIT"
)

// extras is what $TUNELAB_EXTRA says, by benchmark.
var extras = map[string]extra{}

// An extra is work that is added to an operation.
type extra struct {
	n    int
	kind string
}

func parseExtras(setting string) (map[string]extra, error) {
	all := map[string]extra{}
	for part := range strings.SplitSeq(setting, ",") {
		if part == "" {
			continue
		}
		name, work, _ := strings.Cut(part, "=")
		count, kind, _ := strings.Cut(work, "*")
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 || !slices.Contains([]string{"spin", "alloc", "line", "hop"}, kind) {
			return nil, fmt.Errorf("$%s: %q is not a benchmark and how much of what is added to it: SHA256=12*spin", extraVar, part)
		}
		all[name] = extra{n, kind}
	}
	return all, nil
}

var (
	allocated []byte
	pingPong  = sync.OnceValue(func() chan int {
		c := make(chan int)
		go func() {
			for n := range c {
				c <- n + 1
			}
		}()
		return c
	})
)

// do does the work n times.
func (e extra) do() {
	switch e.kind {
	case "alloc":
		for range e.n {
			allocated = make([]byte, 64)
		}
	case "line":
		memory().chase(e.n)
	case "hop":
		c := pingPong() // starts with the first one
		for n := range e.n {
			c <- n
			sink += uint64(<-c)
		}
	default:
		sink += spin(e.n)
	}
}

func TestMain(m *testing.M) {
	var err error
	if extras, err = parseExtras(os.Getenv(extraVar)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if text := os.Getenv(initVar); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			fmt.Fprintf(os.Stderr, "$%s: %v\n", initVar, err)
			os.Exit(2)
		}
		for began := time.Now(); time.Since(began) < d; {
			sink += spin(1000)
		}
	}
	os.Exit(m.Run())
}

var sink uint64

// spin makes n multiplications, each of which waits for the one before.
//
//go:noinline
func spin(n int) uint64 {
	x := uint64(n) | 1
	for range n {
		x *= 6364136223846793005
	}
	return x
}

func BenchmarkSpin(b *testing.B) {
	for range b.N {
		sink += spin(1000)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/spin")
}

var (
	block [1024]byte
	sum   [sha256.Size]byte
)

func hash() {
	sum = sha256.Sum256(block[:])
	block[0] = sum[0]
}

func BenchmarkSHA256(b *testing.B) {
	more := extras["SHA256"]
	for range b.N {
		hash()
		more.do()
	}
}

// A chain is a permutation of 64 MiB in one cycle, so that every load has to
// wait for the one before it and the caches don't help.
type chain struct {
	next []uint32
	at   uint32
}

const hops = 256

var memory = sync.OnceValue(func() *chain { return newChain(64 << 20 / 4) })

// newChain makes one of n places, a power of two: a linear congruential
// generator with that modulus, whose cycle is full by the theorem of Hull and
// Dobell (SIAM Review 4, 1962). It is made in a fraction of a shuffle's time.
func newChain(n int) *chain {
	c := &chain{next: make([]uint32, n)}
	for i := range c.next {
		c.next[i] = (uint32(i)*1664525 + 1013904223) & uint32(n-1)
	}
	return c
}

func (c *chain) chase(n int) {
	at := c.at
	for range n {
		at = c.next[at]
	}
	c.at = at
}

func BenchmarkChase(b *testing.B) {
	c, more := memory(), extras["Chase"]
	b.ResetTimer()
	for range b.N {
		c.chase(hops)
		more.do()
	}
}

// A document is what JSON encodes and decodes.
type document struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Ports  []int             `json:"ports"`
	Ready  bool              `json:"ready"`
	Weight float64           `json:"weight"`
}

func newDocument() document {
	return document{
		Name: "cluster-17", Labels: map[string]string{"app": "web", "zone": "b", "team": "edge"},
		Ports: []int{80, 443, 8080, 9901}, Ready: true, Weight: 0.25,
	}
}

func roundTrip(d document) (document, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return document{}, err
	}
	var back document
	return back, json.Unmarshal(text, &back)
}

func BenchmarkJSON(b *testing.B) {
	d, more := newDocument(), extras["JSON"]
	if more.kind == "line" { // also where it is none, so that both sides have the same heap
		memory()
	}
	b.ResetTimer()
	for range b.N {
		back, err := roundTrip(d)
		if err != nil {
			b.Fatal(err)
		}
		sink += uint64(len(back.Ports))
		more.do()
	}
}

// A counter is a number behind a lock, which is held for about a tenth of a
// microsecond.
type counter struct {
	mu   sync.Mutex
	n    uint64
	work uint64
}

const held = 100

func (c *counter) add(more extra) {
	c.mu.Lock()
	c.n++
	c.work += spin(held)
	more.do()
	c.mu.Unlock()
}

func BenchmarkMutex(b *testing.B) {
	var c counter
	more := extras["Mutex"]
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.add(more)
		}
	})
	if c.n != uint64(b.N) {
		b.Fatalf("%d of %d additions", c.n, b.N)
	}
}

// What is measured does what it says, with any number of spins.
func TestWork(t *testing.T) {
	before := sum
	hash()
	if first := sum; first == before || sha256.Sum256(block[:]) == first {
		t.Error("hashing does not go on from what it found")
	}

	c := newChain(1024)
	seen := make([]bool, 1024)
	for range 1024 {
		if seen[c.at] {
			t.Fatal("the chain is no single cycle")
		}
		seen[c.at] = true
		c.chase(1)
	}

	d := newDocument()
	back, err := roundTrip(d)
	if err != nil || back.Name != d.Name || len(back.Labels) != 3 || !slices.Equal(back.Ports, d.Ports) || back.Weight != d.Weight || !back.Ready {
		t.Errorf("%+v came back as %+v, %v", d, back, err)
	}

	var n counter
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				n.add(extra{3, "spin"})
			}
		})
	}
	all.Wait()
	if n.n != 4000 {
		t.Errorf("%d of 4000 additions", n.n)
	}

	if spin(0) != 1 || spin(3) == spin(4) {
		t.Error("spinning does not multiply")
	}
	if n := testing.AllocsPerRun(10, extra{3, "alloc"}.do); n != 3 {
		t.Errorf("3 allocations are %v", n)
	}
	at := memory().at
	if (extra{2, "line"}).do(); memory().at != memory().next[memory().next[at]] {
		t.Error("two lines are not two loads")
	}
	answers := sink
	if (extra{3, "hop"}).do(); sink != answers+1+2+3 {
		t.Errorf("three hops brought %d", sink-answers)
	}
	got, err := parseExtras("A=12*spin,B=1*hop,")
	if err != nil || len(got) != 2 || got["A"] != (extra{12, "spin"}) || got["B"] != (extra{1, "hop"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"A", "A=1", "A=x*spin", "A=-1*spin", "A=1*spins"} {
		if _, err := parseExtras(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
