package nights

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"tunelab/results"
)

// others gathers the nights of a file that another tool wrote: results with lines before them that say of which commit
// they are, and when that was made.
type others struct {
	nights []*otherNight
	by     map[string]*otherNight // by commit and date, as they stand there
	last   *otherNight
	key    []byte
	better map[string]string // of units that the file declares
	lost   bool              // a result without them was named
}

type otherNight struct {
	key        string
	night      *Night // nil when the date could not be read
	index      map[string]int
	benchmarks []otherBenchmark
	scratch    []byte
}

type otherBenchmark struct {
	pkg, name  string
	iterations int
	columns    []otherColumn
}

type otherColumn struct {
	unit   string
	values []float64
}

func newOthers() *others {
	return &others{by: map[string]*otherNight{}, better: map[string]string{}}
}

func (o *others) unit(u *benchfmt.UnitMetadata) {
	if u.Key == "better" && (u.Value == "lower" || u.Value == "higher") {
		o.better[u.OrigUnit] = u.Value
	}
}

// An origin is a set of configuration lines that say what a result is of.
type origin struct {
	commit string
	dates  []string // when the commit was made; the first that is there counts
	side   string   // results with this toolchain are of what the commit was compared with
}

// origins are the lines that say it: what the gate writes, with the format's own example (commit-time, in
// go.dev/design/14313-benchmark-format) and what is like it; then those that x/perf's benchseries knows, of Go's own builders
// and of bent.
var origins = [...]origin{
	{"commit", []string{"date", "commit-time", "commit-date"}, ""},
	{"experiment-commit", []string{"experiment-commit-time"}, "baseline"},
	{"numerator_hash", []string{"numerator_stamp"}, "Base"},
}

// originOf returns the commit and the date of a result as they stand there, "" for what is not there. Skip says that it is
// of another commit, which has no night here.
func originOf(r *benchfmt.Result) (commit, date []byte, skip bool) {
	for _, o := range origins {
		if commit = bytes.TrimSpace(config(r, o.commit)); len(commit) == 0 {
			continue
		}
		for _, key := range o.dates {
			if date = bytes.TrimSpace(config(r, key)); len(date) > 0 {
				break
			}
		}
		return commit, date, o.side != "" && string(config(r, "toolchain")) == o.side
	}
	return nil, nil, false
}

func config(r *benchfmt.Result, key string) []byte {
	if i, ok := r.ConfigIndex(key); ok {
		return r.Config[i].Value
	}
	return nil
}

func (o *others) result(p *parser, r *benchfmt.Result, line int) {
	commit, date, skip := originOf(r)
	if skip {
		return
	}
	if len(commit) == 0 || len(date) == 0 {
		if !o.lost {
			p.problem(line, "results without a line \"commit: …\" and one \"date: …\" or \"commit-time: …\" before them, which say what night they are of; they are left out")
		}
		o.lost = true
		return
	}
	// Machines are told apart too, so that files of several can be put behind one another.
	o.key = append(append(append(append(append(o.key[:0], commit...), '\n'), date...), '\n'), config(r, "machine")...)
	if o.last == nil || o.last.key != string(o.key) {
		o.last = o.by[string(o.key)]
	}
	if o.last == nil {
		o.last = o.begin(p, r, string(commit), string(date), line)
	}
	if o.last.night != nil {
		o.last.add(r)
	}
}

func (o *others) begin(p *parser, r *benchfmt.Result, commit, date string, line int) *otherNight {
	n := &otherNight{key: string(o.key), index: map[string]int{}}
	o.by[n.key] = n
	started, err := parseDate(date)
	if err != nil {
		p.problem(line, "the results' date: %v; they are left out", err)
		return n
	}
	n.night = &Night{
		Started: started, Commit: commit, File: p.file,
		Host: results.Host{
			GOOS: r.GetConfig("goos"), GOARCH: r.GetConfig("goarch"), CPU: r.GetConfig("cpu"), Kernel: r.GetConfig("kernel"),
			Go: r.GetConfig("go"), Machine: r.GetConfig("machine"),
		},
	}
	o.nights = append(o.nights, n)
	return n
}

func (n *otherNight) add(r *benchfmt.Result) {
	pkg := config(r, "pkg")
	n.scratch = append(append(append(n.scratch[:0], pkg...), '\n'), r.Name...)
	i, ok := n.index[string(n.scratch)]
	if !ok {
		i = len(n.benchmarks)
		n.index[string(n.scratch)] = i
		n.benchmarks = append(n.benchmarks, otherBenchmark{pkg: same(string(pkg)), name: string(r.Name), iterations: r.Iters})
	}
	b := &n.benchmarks[i]
	for _, v := range r.Values {
		if value, unit := original(v); finite(value) {
			b.add(unit, value)
		}
	}
}

func (b *otherBenchmark) add(unit string, value float64) {
	for i := range b.columns {
		if c := &b.columns[i]; c.unit == unit {
			c.values = append(c.values, value)
			return
		}
	}
	b.columns = append(b.columns, otherColumn{same(unit), []float64{value}})
}

func (o *others) finish(p *parser) {
	for _, n := range o.nights {
		n.points(o.better)
		p.nights = append(p.nights, foundNight{Night: n.night, whole: true, other: true})
	}
}

// points makes the night's points. The suffix -N is the number of processors when all names have the same one; a name
// may end so for other reasons: "size-10" on one processor has no suffix, and beside "size-100" it is another benchmark.
func (n *otherNight) points(better map[string]string) {
	procs := 0
	for i, b := range n.benchmarks {
		if _, suffix := cutProcs(b.name); i > 0 && suffix != procs {
			procs = 0
			break
		} else {
			procs = suffix
		}
	}
	for _, b := range n.benchmarks {
		name := b.name
		if procs > 0 {
			name, _ = cutProcs(name)
		}
		for _, c := range b.columns {
			direction := better[c.unit]
			if direction == "" {
				direction = betterOf(c.unit)
			}
			n.night.Points = append(n.night.Points, Point{
				Package: b.pkg, Benchmark: same(name), Metric: c.unit, Better: direction,
				Tip: c.values, Iterations: b.iterations, Procs: procs,
			})
		}
	}
}

// cutProcs takes the suffix -N off a name. N is 0 when there is none.
func cutProcs(full string) (name string, procs int) {
	i := strings.LastIndexByte(full, '-')
	if i < 0 || i+1 == len(full) || full[i+1] == '0' || strings.Trim(full[i+1:], "0123456789") != "" {
		return full, 0
	}
	procs, err := strconv.Atoi(full[i+1:])
	if err != nil {
		return full, 0
	}
	return full[:i], procs
}

// dates are the forms of a date: RFC 3339, that without a time, git's default, iso and rfc, RFC 3339 without a zone and
// without its colon, and bent's.
var dates = [...]string{
	time.RFC3339, "2006-01-02", "Mon Jan 2 15:04:05 2006 -0700", "2006-01-02 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 -0700",
	"2006-01-02T15:04:05", "2006-01-02T15:04:05-0700", "20060102T150405",
}

// parseDate also knows the seconds of Unix, alone or with git's raw form's offset behind them.
func parseDate(s string) (time.Time, error) {
	for _, form := range dates {
		if t, err := time.Parse(form, s); err == nil {
			return t, nil
		}
	}
	number, _, _ := strings.Cut(s, " ")
	seconds, err := strconv.ParseInt(number, 10, 64)
	// Up to the year 9999, as far as a date can be written down.
	if err == nil && seconds > 0 && seconds <= 253402300799 {
		return time.Unix(seconds, 0).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%.40q is none of 2006-01-02T15:04:05Z, 2006-01-02, seconds of Unix and git's formats", s)
}
