package nights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"unique"

	"golang.org/x/perf/benchfmt"

	"tunelab/results/benchtext"
)

// mostProblems is how many problems of one file are named: a file of garbage has one a line.
const mostProblems = 20

// longest is the longest line that is given to x/perf's reader, which gives up on the file at the next longer one.
const longest = 65_000

// A parser reads one file: comment records of ours, and with x/perf's reader the result lines between them.
type parser struct {
	file     string
	problems []Problem
	more     int // problems that were not named
	nights   []foundNight

	// Of a file of ours.
	ours    bool
	open    *Night
	points  int // records of the open night
	say     map[[2]string]bool
	results trials

	others *others // of a file of another tool
}

// parseNights returns the nights of a file, and what is wrong with it. It never fails.
func parseNights(file string, data []byte) ([]foundNight, []Problem) {
	p := &parser{file: file, others: newOthers()}
	data, err := benchtext.Decode(data)
	if err != nil {
		p.problem(0, "%v", err)
	}
	if data == nil && err != nil {
		return nil, p.problems
	}
	records, data := p.scan(data)
	reader := benchfmt.NewReader(bytes.NewReader(data), file)
	next := 0
	for reader.Scan() {
		result := reader.Result()
		_, line := result.Pos()
		for next < len(records) && records[next].line < line {
			p.record(records[next])
			next++
		}
		switch result := result.(type) {
		case *benchfmt.SyntaxError:
			p.problem(line, "%s", result.Msg)
		case *benchfmt.UnitMetadata:
			p.others.unit(result)
		case *benchfmt.Result:
			if p.ours {
				p.result(result, line)
			} else {
				p.others.result(p, result, line)
			}
		}
	}
	if err := reader.Err(); err != nil {
		p.problem(0, "%v", err)
	}
	for _, r := range records[next:] {
		p.record(r)
	}
	p.finish(data)
	return p.nights, p.problems
}

func (p *parser) finish(data []byte) {
	p.torn(bytes.Count(data, []byte("\n")))
	if !p.ours {
		p.others.finish(p)
	}
	switch {
	case len(p.nights) > 0:
	case !p.ours && bytes.IndexByte(data, 0) >= 0: // what else is wrong with it comes of that
		p.problems, p.more = p.problems[:1], 0
	case len(p.problems) > 0:
	case len(data) == 0:
		p.problem(0, "it is empty")
	default:
		p.problem(0, "it has no benchmark results")
	}
	if p.more > 0 {
		p.problems = append(p.problems, Problem{File: p.file, What: fmt.Sprintf("and %d problems more", p.more)})
	}
}

func (p *parser) problem(line int, format string, args ...any) {
	if len(p.problems) >= mostProblems {
		p.more++
		return
	}
	p.problems = append(p.problems, Problem{p.file, line, fmt.Sprintf(format, args...)})
}

// A record is a comment line with JSON.
type record struct {
	line int
	word string
	text []byte
}

// scan returns the records, and the data without what x/perf's reader must not see: lines too long for it, and in a file of
// ours a last line without its end, which may say "ns/o" or 41 for 412. Other tools need not end theirs, and it is read as
// benchstat reads it. Line numbers stay.
func (p *parser) scan(text []byte) (records []record, rest []byte) {
	whole := bytes.LastIndexByte(text, '\n') + 1
	data, last := text[:whole], text[whole:]
	rest = data
	number, copied := 0, false
	for from := 0; from < len(data); {
		number++
		line := data[from : from+bytes.IndexByte(data[from:], '\n')]
		to := from + len(line) + 1
		if word, text, ok := cutRecord(line); ok {
			records = append(records, record{number, word, text})
		} else if len(line) > longest {
			p.problem(number, "a line of %d bytes is left out", len(line))
		}
		if len(line) > longest && !copied {
			rest, copied = append(make([]byte, 0, len(data)), data[:from]...), true
		}
		if copied && len(line) > longest {
			rest = append(rest, '\n')
		} else if copied {
			rest = append(rest, data[from:to]...)
		}
		from = to
	}
	p.ours = slices.ContainsFunc(records, func(r record) bool { return r.word == "night" || r.word == "point" })
	switch {
	case len(last) == 0:
	case p.ours || bytes.HasPrefix(last, []byte("# night")):
		p.problem(number+1, "the last line is not whole and is left out")
	case len(last) > longest:
		p.problem(number+1, "a line of %d bytes is left out", len(last))
	case benchtext.CutOff(text) < len(text):
		p.problem(number+1, "the last line breaks off within a unit and is left out")
	default:
		rest = append(slices.Clip(rest), last...)
	}
	return records, rest
}

func cutRecord(line []byte) (word string, text []byte, ok bool) {
	if len(line) < 3 || line[0] != '#' || line[1] != ' ' {
		return "", nil, false
	}
	first, text, found := bytes.Cut(line[2:], []byte(" "))
	if !found || len(text) == 0 || text[0] != '{' {
		return "", nil, false
	}
	for _, word := range [...]string{"night", "says", "point", "end"} {
		if string(first) == word {
			return word, text, true
		}
	}
	return "", nil, false
}

func (p *parser) record(r record) {
	if !p.ours {
		return
	}
	var err error
	switch {
	case r.word == "night":
		err = p.begin(r)
	case p.open == nil:
		err = errors.New("it is of no night that could be read")
	case r.word == "says":
		var s saysRecord
		if err = json.Unmarshal(r.text, &s); err == nil {
			p.open.Says = append(p.open.Says, s.Text)
		}
	case r.word == "point":
		err = p.point(r.text)
	case r.word == "end":
		err = p.end(r.text)
	}
	if err != nil {
		p.problem(r.line, "# %s: %v", r.word, err)
	}
}

func (p *parser) begin(r record) error {
	p.torn(r.line)
	n := &Night{}
	if err := json.Unmarshal(r.text, n); err != nil {
		return err
	}
	if n.Started.IsZero() || n.Commit == "" {
		return errors.New("it has no time or no commit")
	}
	n.File = p.file
	p.open, p.points, p.say, p.results = n, 0, map[[2]string]bool{}, trials{}
	return nil
}

// torn closes a night that has no end. One without a whole point says nothing.
func (p *parser) torn(line int) {
	if p.open == nil {
		return
	}
	p.problem(line, "torn: the night of %s has no # end; the %d points that are whole are used", p.open.Commit, len(p.open.Points))
	if len(p.open.Points) > 0 {
		p.nights = append(p.nights, foundNight{Night: p.open})
	}
	p.open = nil
}

func (p *parser) end(text []byte) error {
	var e endRecord
	if err := json.Unmarshal(text, &e); err != nil {
		return err
	}
	n := p.open
	p.open = nil
	whole := e.Points == len(n.Points)
	p.nights = append(p.nights, foundNight{Night: n, whole: whole})
	if !whole {
		return fmt.Errorf("torn: the night of %s had %d points; the %d that are whole are used", n.Commit, e.Points, len(n.Points))
	}
	return nil
}

func (p *parser) point(text []byte) error {
	var r pointRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	name := fullName(&r.Point)
	values, ok := p.results.take(r.Package, name, r.Metric)
	if !ok && r.Values != [2]int{} || ok && r.Values != [2]int{len(values[baseline]), len(values[tip])} {
		return fmt.Errorf("%s of %s has %d and %d values before it, not %d and %d; it is left out",
			r.Metric, name, len(values[baseline]), len(values[tip]), r.Values[baseline], r.Values[tip])
	}
	which := [2]string{r.Package + " " + r.Benchmark, r.Metric}
	if p.say[which] {
		return fmt.Errorf("a second point for %s of %s; it is left out", r.Metric, name)
	}
	p.say[which] = true
	var err error
	if v := r.Point.Verdict; v != "" && !v.Known() {
		err = fmt.Errorf("%s of %s is called %q, which is no verdict; it is taken without", r.Metric, name, v)
		r.Point.Verdict = ""
	}
	r.Package, r.Benchmark, r.Metric, r.Run = same(r.Package), same(r.Benchmark), same(r.Metric), same(r.Run)
	r.Better, r.Point.Verdict = same(r.Better), same(r.Point.Verdict)
	r.Baseline, r.Tip = values[baseline], values[tip]
	p.open.Points = append(p.open.Points, r.Point)
	return err
}

// same keeps one copy of a text for all nights.
func same[T comparable](s T) T { return unique.Make(s).Value() }

func (p *parser) result(r *benchfmt.Result, line int) {
	side := -1
	if i, ok := r.ConfigIndex("side"); ok {
		side = slices.Index(sides[:], string(r.Config[i].Value))
	}
	if p.open == nil || side < 0 {
		p.problem(line, "a result that is of no night or no side")
		return
	}
	p.results.add(side, r)
}

// trials are the last result lines that were of one benchmark. Their memory is used for the next.
type trials struct {
	pkg, name []byte
	columns   []column
}

type column struct {
	unit   string
	values [2][]float64
}

func (t *trials) add(side int, r *benchfmt.Result) {
	var pkg []byte
	if i, ok := r.ConfigIndex("pkg"); ok {
		pkg = r.Config[i].Value
	}
	if !bytes.Equal(t.name, r.Name) || !bytes.Equal(t.pkg, pkg) {
		t.pkg, t.name = append(t.pkg[:0], pkg...), append(t.name[:0], r.Name...)
		t.columns = t.columns[:0]
	}
	for _, v := range r.Values {
		if value, unit := original(v); finite(value) {
			c := t.column(unit)
			c.values[side] = append(c.values[side], value)
		}
	}
}

func (t *trials) column(unit string) *column {
	for i := range t.columns {
		if t.columns[i].unit == unit {
			return &t.columns[i]
		}
	}
	if len(t.columns) < cap(t.columns) {
		t.columns = t.columns[:len(t.columns)+1]
		c := &t.columns[len(t.columns)-1]
		c.unit, c.values[0], c.values[1] = unit, c.values[0][:0], c.values[1][:0]
		return c
	}
	t.columns = append(t.columns, column{unit: unit})
	return &t.columns[len(t.columns)-1]
}

// take returns a copy of the values in one metric.
func (t *trials) take(pkg, name, metric string) (values [2][]float64, ok bool) {
	if string(t.name) != name || string(t.pkg) != pkg {
		return values, false
	}
	for _, c := range t.columns {
		if c.unit == metric {
			for side := range values {
				values[side] = append([]float64(nil), c.values[side]...)
			}
			return values, true
		}
	}
	return values, false
}

// original undoes what x/perf's reader does to units: nanoseconds are what the file says and the user knows.
func original(v benchfmt.Value) (value float64, unit string) {
	if v.OrigUnit != "" {
		return v.OrigValue, v.OrigUnit
	}
	return v.Value, v.Unit
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
