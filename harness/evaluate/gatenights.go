package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"tunelab/harness"
	"tunelab/harness/calibrate"
	"tunelab/harness/gate"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// gateNightsFile keeps a line for each real night.
const gateNightsFile = "gatenights.jsonl"

// A gateNight is what one real night came to.
type gateNight struct {
	Made   time.Time `json:"made"`
	Budget string    `json:"budget"`
	Slow   string    `json:"slow,omitempty"` // the benchmark that was made 5 % slower; "" for none
	Exit   int       `json:"exit"`
	Red    []string  `json:"red,omitempty"`   // what was reported, with its size
	Found  bool      `json:"found,omitempty"` // the slow one was among it
	Others int       `json:"others,omitempty"`
	// SlowPoint is how the slow one was measured, and Open are the benchmarks that stayed undecided.
	SlowPoint *nights.Point `json:"slow_point,omitempty"`
	Open      []string      `json:"open,omitempty"`
	Counts    nights.Counts `json:"counts"`
	Canary    nights.Canary `json:"canary"`
	Seconds   float64       `json:"seconds"` // by the clock, builds included
	Measured  int           `json:"measured"`
	Broken    string        `json:"broken,omitempty"` // why nothing could be measured
	Missed    int           `json:"missed,omitempty"` // benchmarks that the budget did not reach
}

// works are the benchmarks of the module that real nights are measured with: Go statements that one repetition runs.
var works = []struct{ name, code string }{
	{"SHA256", "sum := sha256.Sum256(kilobyte); sink += uint64(sum[0])"},
	{"CRC32", "sink += uint64(crc32.ChecksumIEEE(kilobyte))"},
	{"FNV", "h := fnv.New64a(); h.Write(kilobyte[:256]); sink += h.Sum64()"},
	{"Adler", "sink += uint64(adler32.Checksum(kilobyte))"},
	{"Itoa", "sink += uint64(len(strconv.Itoa(1234567 + i)))"},
	{"Atoi", "n, _ := strconv.Atoi(\"1234567\"); sink += uint64(n)"},
	{"ParseFloat", "f, _ := strconv.ParseFloat(\"12345.678\", 64); sink += uint64(f)"},
	{"Sort", "copy(scratch, shuffled); slices.Sort(scratch); sink += uint64(scratch[0])"},
	{"Search", "at, _ := slices.BinarySearch(ordered, i%1024); sink += uint64(at)"},
	{"Map", "sink += uint64(table[i&1023])"},
	{"Index", "sink += uint64(bytes.Index(kilobyte, needle))"},
	{"Fields", "sink += uint64(len(strings.Fields(text)))"},
	{"Upper", "sink += uint64(len(strings.ToUpper(text)))"},
	{"Hex", "sink += uint64(hex.Encode(wide, kilobyte[:256]))"},
	{"Base64", "base64.StdEncoding.Encode(wide, kilobyte[:256]); sink += uint64(wide[0])"},
	{"JSON", "out, _ := json.Marshal(record); sink += uint64(len(out))"},
	{"Regexp", "sink += uint64(len(pattern.FindString(text)))"},
	{"Mutex", "mu.Lock(); sink++; mu.Unlock()"},
	{"Channel", "pipe <- i; sink += uint64(<-pipe)"},
	{"Sqrt", "sink += uint64(math.Sqrt(float64(sink & 0xffff)) + math.Sin(float64(i)))"},
}

var workFile = template.Must(template.New("work").Parse(`package work

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash/adler32"
	"hash/crc32"
	"hash/fnv"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Version {{.Version}}
const version = {{.Version}}

var (
	sink     uint64 = version
	kilobyte        = bytes.Repeat([]byte("0123456789abcdef"), 64)
	needle          = []byte("fz")
	wide            = make([]byte, 1024)
	text            = strings.Repeat("the quick brown fox ", 4)
	pattern         = regexp.MustCompile("q[a-z]+k")
	record          = struct{ A, B int; C string }{1, 2, "three"}
	pipe            = make(chan int, 1)
	mu       sync.Mutex
	table    = map[int]int{}
	ordered, shuffled, scratch = make([]int, 1024), make([]int, 64), make([]int, 64)
)

func init() {
	for i := range ordered {
		ordered[i], table[i] = i, i
	}
	for i := range shuffled {
		shuffled[i] = i * 7919 % 64
	}
}
{{range .Works}}
func Benchmark{{.Name}}(b *testing.B) {
	for range b.N {
		for i := range {{.Times}} {
			_ = i
			{{.Code}}
		}
	}
}
{{end}}`))

const workTimes = 200 // repetitions of an operation

// writeWork writes the module with one benchmark made slower, "" for none.
func writeWork(dir string, version int, slow string) error {
	type work struct {
		Name, Code string
		Times      int
	}
	var data struct {
		Version int
		Works   []work
	}
	data.Version = version
	for _, w := range works {
		times := workTimes
		if w.name == slow {
			times += int(nightSlower * workTimes)
		}
		data.Works = append(data.Works, work{w.name, w.code, times})
	}
	f, err := os.Create(filepath.Join(dir, "work_test.go"))
	if err != nil {
		return err
	}
	err = errors.Join(workFile.Execute(f, data), f.Close())
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/work\n\ngo 1.24\n"), 0o666))
}

// gateNights measures real nights: of each two the first has a slow benchmark.
func gateNights(ctx context.Context, out io.Writer, data string, count int, budget time.Duration) error {
	for n := range count {
		slow := ""
		if n%2 == 0 {
			slow = works[rand.IntN(len(works))].name
		}
		night, err := oneNight(ctx, slow, budget)
		if err != nil {
			return err
		}
		if err := calibrate.AppendLine(filepath.Join(data, gateNightsFile), night); err != nil {
			return fmt.Errorf("keeping a night: %w", err)
		}
		if err := json.NewEncoder(out).Encode(night); err != nil {
			return err
		}
	}
	return nil
}

// oneNight makes a repository with a baseline and a tip, and lets a gate loose on it.
func oneNight(ctx context.Context, slow string, budget time.Duration) (*gateNight, error) {
	dir, err := os.MkdirTemp("", "tunelab-night-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	repository := filepath.Join(dir, "repository")
	if err := os.Mkdir(repository, 0o777); err != nil {
		return nil, err
	}
	git := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "git", slices.Concat(nights.GitSettings(), []string{"-c", "user.name=n", "-c", "user.email=e"}, args)...)
		cmd.Dir, cmd.Env = repository, nights.GitEnvironment()
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, text)
		}
		return nil
	}
	steps := []func() error{
		func() error { return git("init", "-q") },
		func() error { return writeWork(repository, 1, "") },
		func() error { return git("add", ".") },
		func() error { return git("commit", "-q", "-m", "baseline") },
		func() error { return git("tag", "baseline") },
		func() error { return writeWork(repository, 2, slow) },
		func() error { return git("commit", "-q", "-a", "-m", "tip") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	config, err := gate.ParseConfig(filepath.Join(repository, gate.ConfigFile), []byte("baseline = \"baseline\"\n[metrics]\nprimary = [\"ns/op\"]\n"))
	if err != nil {
		return nil, err
	}
	r, err := gate.Gate(ctx, config, gate.Options{Budget: budget, Results: filepath.Join(dir, "runs"), Command: os.Args, Now: began, Tell: func(harness.Progress) {}})
	if err != nil {
		return nil, err
	}
	return nightOf(r.Night, slow, budget, began), nil
}

// nightOf is what is kept of a night.
func nightOf(n *nights.Night, slow string, budget time.Duration, began time.Time) *gateNight {
	out := &gateNight{
		Made: began.UTC().Truncate(time.Second), Budget: budget.String(), Slow: slow, Exit: n.Exit, Counts: n.Counts,
		Canary: *n.Canary, Seconds: time.Since(began).Round(time.Second).Seconds(), Measured: len(n.Points),
	}
	for i, p := range n.Points {
		if p.Benchmark == slow {
			out.SlowPoint = &n.Points[i]
		}
		if p.Verdict == verdict.Undecided {
			out.Open = append(out.Open, p.Benchmark)
		}
	}
	for _, f := range n.Findings {
		if f.Kind == nights.NotMeasured {
			out.Missed += strings.Count(f.Benchmark, ",") + 1
		}
		if f.Kind == nights.Broken {
			out.Broken = f.Why
		}
		if !f.Red() && f.Kind != nights.Improvement && f.Kind != nights.Small {
			continue
		}
		text := string(f.Kind) + " " + f.Benchmark
		if f.Ratio != nil {
			text += fmt.Sprintf(" %+.1f %%", 100*(*f.Ratio-1))
		}
		out.Red = append(out.Red, text)
		if f.Benchmark == slow && f.Kind == nights.Regression {
			out.Found = true
		} else {
			out.Others++
		}
	}
	return out
}

// tellKept prints the real nights that are kept, as Markdown, and for each budget how often the slow one was reported and
// how many nights had another alarm.
func tellKept(out io.Writer, data string) error {
	list, err := calibrate.ReadLines[gateNight](filepath.Join(data, gateNightsFile))
	if err != nil {
		return err
	}
	fmt.Fprint(out, "| made | budget | slowed by 5 % | exit | reported | canary | verdicts | by the clock |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	type tally struct{ slow, found, equal, other, alarms, missed int }
	by := map[string]*tally{}
	var budgets []string
	for _, n := range list {
		canary := "found"
		if !n.Canary.Found {
			canary = "missed"
		}
		fmt.Fprintf(out, "| %s | %s | %s | %d | %s | %s | %d same, %d worse, %d better, %d undecided | %.0f s |\n",
			n.Made.Format("2006-01-02 15:04"), n.Budget, cmp.Or(n.Slow, "none"), n.Exit, cmp.Or(strings.Join(n.Red, "; "), "nothing"), canary,
			n.Counts.Same, n.Counts.Worse, n.Counts.Better, n.Counts.Undecided, n.Seconds)
		if by[n.Budget] == nil {
			by[n.Budget] = &tally{}
			budgets = append(budgets, n.Budget)
		}
		t := by[n.Budget]
		if n.Slow != "" {
			t.slow++
			if n.Found && n.Exit == gate.Red {
				t.found++
			}
			if n.Others > 0 {
				t.other++
			}
		} else {
			t.equal++
			if len(n.Red) > 0 {
				t.alarms++
			}
		}
		if !n.Canary.Found {
			t.missed++
		}
	}
	for _, budget := range budgets {
		t := by[budget]
		fmt.Fprintf(out, "\nOf nights of %s: the slow one reported in %s; nights with another beside it %s; nights without a slow one with any report %s; canary missed %s\n",
			budget, share(t.found, t.slow), share(t.other, t.slow), share(t.alarms, t.equal), share(t.missed, t.slow+t.equal))
	}
	return nil
}
