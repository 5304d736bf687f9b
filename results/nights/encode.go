package nights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLine is the longest line that is written, in bytes: golang.org/x/perf's reader gives up at 65,536.
const maxLine = 60_000

// The sides of a night, as in the lines "side: …".
const (
	baseline = iota
	tip
)

var sides = [2]string{"baseline", "tip"}

// A pointRecord is what stands behind "# point".
type pointRecord struct {
	Point
	Values [2]int `json:"values"` // how many the baseline and the tip have, so that a torn point is told
}

// An endRecord is what stands behind "# end".
type endRecord struct {
	Points int `json:"points"`
}

// A saysRecord is what stands behind "# says": a line of its own for each, since a night may say more than fits one line.
type saysRecord struct {
	Text string `json:"text"`
}

// Encode writes a night as a Go benchmark file. [Read] gives back the same night, every value to the last bit, with the
// points of one benchmark together.
//
// It refuses what would not survive: a night without a commit or a time, names with blanks in them, values that are not
// finite, and two points of one benchmark and metric.
func Encode(w io.Writer, n *Night) error {
	text, err := encode(n)
	if err != nil {
		return fmt.Errorf("encoding the night of %s: %w", n.Started.Format(time.RFC3339), err)
	}
	_, err = w.Write(text)
	return err
}

func encode(n *Night) ([]byte, error) {
	if err := check(n); err != nil {
		return nil, err
	}
	e := encoder{better: map[string]bool{}}
	e.header(n)
	for _, points := range together(n.Points) {
		e.points(points)
	}
	e.comment("end", endRecord{len(n.Points)})
	return e.out.Bytes(), e.err
}

// check refuses a night that would be read back as another.
func check(n *Night) error {
	if n.Started.IsZero() || n.Commit == "" {
		return errors.New("it has no time or no commit")
	}
	type name struct{ pkg, benchmark, metric string }
	seen := map[name]bool{}
	for _, p := range n.Points {
		switch {
		case seen[name{p.Package, p.Benchmark, p.Metric}]:
			return fmt.Errorf("two points of benchmark %q in %s, %s", p.Benchmark, p.Package, p.Metric)
		case !oneWord(p.Benchmark):
			return fmt.Errorf("benchmark %q in %s has a blank or a control character in its name", p.Benchmark, p.Package)
		case !oneWord(p.Metric) || p.Metric == "":
			return fmt.Errorf("metric %q of benchmark %s in %s is not one word", p.Metric, p.Benchmark, p.Package)
		case !oneWord(p.Package):
			return fmt.Errorf("package %q is not one word", p.Package)
		}
		seen[name{p.Package, p.Benchmark, p.Metric}] = true
		for _, values := range [2][]float64{p.Baseline, p.Tip} {
			for _, v := range values {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return fmt.Errorf("benchmark %s in %s has %v %s", p.Benchmark, p.Package, v, p.Metric)
				}
			}
		}
	}
	return nil
}

// oneWord reports whether s is read back as one field.
func oneWord(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// together gathers the points whose trials can stand side by side: those of one benchmark, with as many values.
func together(points []Point) [][]*Point {
	type benchmark struct{ pkg, name string }
	type trials struct {
		benchmark
		iterations, procs, baseline, tip int
	}
	var names []benchmark
	of := map[benchmark][]trials{}
	in := map[trials][]*Point{}
	for i := range points {
		p := &points[i]
		b := benchmark{p.Package, p.Benchmark}
		t := trials{b, p.Iterations, p.Procs, len(p.Baseline), len(p.Tip)}
		if of[b] == nil {
			names = append(names, b)
		}
		if in[t] == nil {
			of[b] = append(of[b], t)
		}
		in[t] = append(in[t], p)
	}
	var out [][]*Point
	for _, b := range names {
		for _, t := range of[b] {
			out = append(out, in[t])
		}
	}
	return out
}

type encoder struct {
	out       bytes.Buffer
	err       error
	pkg, side string          // as the last lines said
	better    map[string]bool // units whose direction was written
}

func (e *encoder) header(n *Night) {
	host := n.Host
	protocol := ""
	if n.Protocol != 0 {
		protocol = strconv.Itoa(n.Protocol)
	}
	for _, c := range [][2]string{
		{"goos", host.GOOS}, {"goarch", host.GOARCH}, {"cpu", host.CPU}, {"go", host.Go}, {"kernel", host.Kernel},
		{"machine", host.Machine}, {"protocol", protocol}, {"commit", n.Commit}, {"date", n.Started.Format(time.RFC3339)},
		{"baseline", n.Baseline},
	} {
		if value := strings.TrimSpace(oneLine(c[1])); value != "" {
			e.config(c[0], value)
		}
	}
	short := *n
	short.Says = nil
	e.comment("night", short)
	for _, text := range n.Says {
		e.comment("says", saysRecord{text})
	}
}

func (e *encoder) points(points []*Point) {
	for _, p := range points {
		// x/perf complains about a direction that is said twice in different ways.
		if p.Better != "" && !e.better[p.Metric] && betterOf(p.Metric) != p.Better {
			fmt.Fprintf(&e.out, "Unit %s better=%s\n", p.Metric, oneLine(p.Better))
			e.better[p.Metric] = true
		}
	}
	first := points[0]
	if e.pkg != first.Package {
		e.config("pkg", first.Package)
		e.pkg = first.Package
	}
	for side, count := range [2]int{len(first.Baseline), len(first.Tip)} {
		if count > 0 && e.side != sides[side] {
			e.config("side", sides[side])
			e.side = sides[side]
		}
		for trial := range count {
			e.trial(points, side, trial)
		}
	}
	for _, p := range points {
		e.comment("point", pointRecord{*p, [2]int{len(p.Baseline), len(p.Tip)}})
	}
}

// trial writes the values of one trial side by side, or a line for each where they don't fit.
func (e *encoder) trial(points []*Point, side, trial int) {
	first := points[0]
	line := fmt.Appendf(nil, "Benchmark%s\t%d", fullName(first), max(first.Iterations, 1))
	for _, p := range points {
		line = fmt.Appendf(line, "\t%v %s", [2][]float64{p.Baseline, p.Tip}[side][trial], p.Metric)
	}
	switch {
	case len(line) <= maxLine:
		e.out.Write(append(line, '\n'))
	case len(points) > 1:
		for i := range points {
			e.trial(points[i:i+1], side, trial)
		}
	default:
		e.fail(fmt.Errorf("a result of benchmark %.40s… takes %d bytes and readers of the format take %d a line", first.Benchmark, len(line), maxLine))
	}
}

// fullName is the name in a result line without "Benchmark".
func fullName(p *Point) string {
	if p.Procs > 0 {
		return p.Benchmark + "-" + strconv.Itoa(p.Procs)
	}
	return p.Benchmark
}

func (e *encoder) config(key, value string) { fmt.Fprintf(&e.out, "%s: %s\n", key, value) }

func (e *encoder) comment(word string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		e.fail(fmt.Errorf("# %s: %w", word, err))
		return
	}
	if len(text) > maxLine {
		e.fail(fmt.Errorf("# %s takes %d bytes and readers of the format take %d a line; shorten its texts", word, len(text), maxLine))
		return
	}
	fmt.Fprintf(&e.out, "# %s %s\n", word, text)
}

func (e *encoder) fail(err error) { e.err = errors.Join(e.err, err) }

// oneLine keeps a text from becoming two lines of the file.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// betterOf is the direction of the units that package testing and golang.org/x/perf know, "" of others.
func betterOf(unit string) string {
	switch unit {
	case "ns/op", "sec/op", "B/op", "allocs/op":
		return "lower"
	case "B/s", "MB/s":
		return "higher"
	}
	return ""
}
