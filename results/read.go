package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/perf/benchfmt"

	"tunelab/results/benchtext"
	"tunelab/results/verdict"
)

// File is a bench.txt that was read.
type File struct {
	Path     string
	Run      *Run
	Trials   []Trial
	Done     *Done     // nil when the run was interrupted
	Profiles []Profile // taken after measuring had ended
	Problems []Problem // lines that could not be used
	Torn     bool      // something follows the last whole record: the run was killed while it wrote

	end     int64 // offset behind the last whole record
	decoded bool  // the file's bytes are not those that a Writer wrote
}

// Problem is a line that could not be used.
type Problem struct {
	Path string
	Line int
	Msg  string
}

func (p Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Msg) }

// ErrNoRun is returned by [Read] for a benchmark file that tunelab did not write.
var ErrNoRun = errors.New("no # run record: not written by tunelab")

// Read reads a run from its folder or from its bench.txt. It returns an error only when there is no run to speak of:
// a file that can't be read, one that another tool wrote ([ErrNoRun]), one whose plan is not whole, or one of another
// protocol. Everything else that is wrong is in Problems.
func Read(path string) (*File, error) {
	path, data, err := Load(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Load reads the bytes of a benchmark file, in a run's folder those of its bench.txt, and returns them with the file's
// path.
func Load(path string) (file string, data []byte, err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, BenchFile)
	}
	if data, err = os.ReadFile(path); err != nil {
		return path, nil, fmt.Errorf("reading a run: %w", err)
	}
	return path, data, nil
}

// Parse is [Read] of a file's contents. The path is for messages. Text that an editor or a shell has made UTF-16, or put a
// byte order mark before, is read as it was; such a file can't be gone on with.
func Parse(path string, data []byte) (*File, error) {
	size := len(data)
	data, odd := benchtext.Decode(data)
	if data == nil && odd != nil {
		return nil, fmt.Errorf("reading %s: %w", path, odd)
	}
	p := parser{file: &File{Path: path, decoded: len(data) != size}}
	p.scan(data)
	f := p.file
	switch {
	case f.Run == nil && len(f.Problems) > 0:
		return nil, fmt.Errorf("reading a run: %w", f.Problems[0])
	case f.Run == nil && odd != nil:
		return nil, fmt.Errorf("reading %s: %w: %w", path, ErrNoRun, odd)
	case f.Run == nil:
		return nil, fmt.Errorf("reading %s: %w", path, ErrNoRun)
	case !p.begun:
		return nil, fmt.Errorf("reading %s: its plan is not whole: it was killed before it measured; start a new run", path)
	case f.Run.Protocol < 1 || f.Run.Protocol > Protocol:
		return nil, fmt.Errorf("reading %s: protocol %d, this tunelab knows 1 to %d; read it with the tunelab that wrote it", path, f.Run.Protocol, Protocol)
	}
	if err := f.Run.check(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	f.Torn = f.end < int64(len(data))
	p.results(data)
	return f, nil
}

// check refuses a plan that no tunelab writes: verdicts are computed from it.
func (r *Run) check() error {
	p := r.Plan
	if !(p.Alpha > 0 && p.Alpha < 0.5) {
		return fmt.Errorf("the plan's alpha is %v, not between 0 and 0.5", p.Alpha)
	}
	if len(p.Looks) == 0 {
		return errors.New("the plan has no looks")
	}
	for _, looks := range [][]int{p.Looks, p.Confirm.Looks} {
		for i, n := range looks {
			if n < 1 || n > verdict.MaxPairs || i > 0 && n <= looks[i-1] {
				return fmt.Errorf("the plan's looks %v do not ascend", looks)
			}
		}
	}
	if again := p.Confirm; again.Alpha != 0 && (!(again.Alpha > 0 && again.Alpha < 0.5) || len(again.Looks) == 0) {
		return fmt.Errorf("the plan's second stage has alpha %v and looks %v", again.Alpha, again.Looks)
	}
	if p.Layouts.Count < 0 {
		return fmt.Errorf("the plan has %d layouts", p.Layouts.Count)
	}
	for _, m := range r.Metrics {
		if m.Better != "lower" && m.Better != "higher" {
			return fmt.Errorf("metric %q is better %q, not lower or higher", m.Unit, m.Better)
		}
		if !(m.Margin >= 0 && m.Margin <= 10) || !(m.MarginAbs >= 0) || math.IsInf(m.MarginAbs, 0) {
			return fmt.Errorf("metric %q has margins %v and %v", m.Unit, m.Margin, m.MarginAbs)
		}
	}
	for _, c := range p.Cases {
		for _, unit := range c.Metrics {
			if _, ok := r.Metric(unit); !ok {
				return fmt.Errorf("case %q is judged by %q, which is not a metric of the run", c.Case, unit)
			}
		}
	}
	return nil
}

// A parser reads the comment records, then has x/perf's reader read the result lines between them.
type parser struct {
	file  *File
	begun bool
	first []int // line of each trial's "# trial"
	last  []int // line of its "# end"

	open     *Trial
	openLine int
}

func (p *parser) problem(line int, format string, args ...any) {
	p.file.Problems = append(p.file.Problems, Problem{p.file.Path, line, fmt.Sprintf(format, args...)})
}

func (p *parser) scan(data []byte) {
	if n := bytes.Count(data, []byte("\n# end {")); n > 0 { // a million trials grow no slice over and over
		p.file.Trials = make([]Trial, 0, n)
		p.first, p.last = make([]int, 0, n), make([]int, 0, n)
	}
	offset, number := 0, 0
	for offset < len(data) {
		number++
		line := data[offset:]
		n := bytes.IndexByte(line, '\n')
		if n < 0 {
			// We end every line; other programs need not.
			if p.file.Run != nil || bytes.HasPrefix(line, []byte("# run")) {
				p.problem(number, "the last line is not whole")
			}
			break
		}
		line = line[:n]
		offset += n + 1
		if !bytes.HasPrefix(line, []byte("# ")) {
			continue
		}
		word, text, ok := bytes.Cut(line[2:], []byte(" "))
		if ok && len(text) > 0 && text[0] == '{' {
			p.record(string(word), text, number, int64(offset))
		}
	}
	if p.open != nil {
		p.problem(p.openLine, "trial %d has no # end: it was being written when the run was killed", p.open.Trial)
	}
}

func (p *parser) record(word string, text []byte, line int, end int64) {
	run := p.file.Run
	if run == nil && word != "run" {
		return
	}
	var err error
	switch word {
	case "run":
		if run != nil {
			err = errors.New("a second # run record")
			break
		}
		run = &Run{}
		if err = json.Unmarshal(text, run); err == nil {
			p.file.Run = run
		}
	case "variant":
		err = appendRecord(&run.Variants, text)
	case "metric":
		err = appendRecord(&run.Metrics, text)
	case "claim":
		err = appendRecord(&run.Claims, text)
	case "check":
		err = appendRecord(&run.Checks, text)
	case "fact":
		err = appendRecord(&run.Facts, text)
	case "figure":
		err = appendRecord(&run.Figures, text)
	case "not_measured":
		err = appendRecord(&run.NotMeasured, text)
	case "case":
		err = appendRecord(&run.Plan.Cases, text)
	case "begin":
		p.begun = true
		p.file.end = end
	case "trial":
		err = p.beginTrial(text, line)
	case "end":
		err = p.endTrial(text, line, end)
	case "profile":
		if err = appendRecord(&p.file.Profiles, text); p.open == nil {
			p.file.end = end
		}
	case "done":
		p.file.Done = &Done{}
		err = json.Unmarshal(text, p.file.Done)
		p.file.end = end
	}
	if err != nil {
		p.problem(line, "# %s: %v", word, err)
	}
}

func appendRecord[T any](list *[]T, text []byte) error {
	var v T
	err := json.Unmarshal(text, &v)
	if err == nil {
		*list = append(*list, v)
	}
	return err
}

func (p *parser) beginTrial(text []byte, line int) error {
	if p.open != nil {
		p.problem(p.openLine, "trial %d has no # end", p.open.Trial)
		p.open = nil
	}
	t := &Trial{}
	if err := json.Unmarshal(text, t); err != nil {
		return err
	}
	if t.Block < 1 || t.Block > verdict.MaxPairs {
		return fmt.Errorf("block %d", t.Block)
	}
	p.open, p.openLine = t, line
	return nil
}

// endOf returns the number of the trial that ends. There are as many such records as trials, nearly all as we write them.
func endOf(text []byte) (int, error) {
	if inner, ok := bytes.CutPrefix(text, []byte(`{"trial":`)); ok {
		if n, err := strconv.Atoi(string(bytes.TrimSuffix(inner, []byte("}")))); err == nil && text[len(text)-1] == '}' {
			return n, nil
		}
	}
	var e struct {
		Trial int `json:"trial"`
	}
	err := json.Unmarshal(text, &e)
	return e.Trial, err
}

func (p *parser) endTrial(text []byte, line int, end int64) error {
	e, err := endOf(text)
	if err != nil {
		return err
	}
	if p.open == nil || p.open.Trial != e {
		return fmt.Errorf("ends trial %d, which is not open", e)
	}
	p.file.Trials = append(p.file.Trials, *p.open)
	p.first = append(p.first, p.openLine)
	p.last = append(p.last, line)
	p.open = nil
	p.file.end = end
	return nil
}

// results reads the result lines with x/perf's reader and gives each to the trial that it stands in.
func (p *parser) results(data []byte) {
	reader := benchfmt.NewReader(bytes.NewReader(data), p.file.Path)
	i := 0
	for reader.Scan() {
		record := reader.Result()
		_, line := record.Pos()
		for i < len(p.last) && p.last[i] < line {
			i++
		}
		switch record := record.(type) {
		case *benchfmt.SyntaxError:
			p.problem(line, "%s", record.Msg)
		case *benchfmt.Result:
			if i == len(p.last) || line < p.first[i] {
				p.problem(line, "a result outside any trial")
				continue
			}
			p.take(&p.file.Trials[i], record, line)
		}
	}
	if err := reader.Err(); err != nil {
		p.problem(0, "%v", err)
	}
	p.dropEmpty()
}

func (p *parser) take(t *Trial, r *benchfmt.Result, line int) {
	name := string(r.Name)
	if len(t.Values) > 0 || t.Outcome != OK {
		p.problem(line, "trial %d has a result too many", t.Trial)
		return
	}
	if config := r.GetConfig("variant"); config != oneLine(t.Variant) {
		p.problem(line, "trial %d is of variant %q, its result of %q", t.Trial, t.Variant, config)
		return
	}
	t.Iterations = r.Iters
	for _, v := range r.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" {
			value, unit = v.OrigValue, v.OrigUnit
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			p.problem(line, "trial %d has %v %s", t.Trial, value, unit)
			t.Values = nil
			return
		}
		t.Values = append(t.Values, Value{value, unit})
	}
	if !cutProcs(name, t) {
		p.problem(line, "trial %d is of case %q, its result of %q", t.Trial, t.Case, name)
		t.Values = nil
	}
}

// cutProcs reports whether name is the trial's case, and takes the -N suffix off into t.Procs.
func cutProcs(name string, t *Trial) bool {
	if name == t.Case {
		return true
	}
	var n int
	if len(name) <= len(t.Case)+1 || name[:len(t.Case)] != t.Case || name[len(t.Case)] != '-' {
		return false
	}
	for _, c := range name[len(t.Case)+1:] {
		if c < '0' || c > '9' || n > 1<<20 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	t.Procs = n
	return true
}

// dropEmpty takes away trials that say ok and have no value: no verdict may come of them.
func (p *parser) dropEmpty() {
	for i := range p.file.Trials {
		t := &p.file.Trials[i]
		if t.Outcome == OK && len(t.Values) == 0 {
			p.problem(p.first[i], "trial %d ended ok but has no usable result; it is left out", t.Trial)
			t.Outcome, t.Why = Failed, "no usable result line in the file"
		}
	}
}
