package harness

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"tunelab/results"
)

// maxValue bounds what a benchmark may report: a thousand million seconds in nanoseconds.
const maxValue = 1e18

// A line is one result line of a child.
type line struct {
	name   string // without Benchmark and -N
	procs  int
	n      int
	values []results.Value
}

// listed returns the names of all benchmarks that printed a result, as their process announced them before they ran:
// only those announcements, which -test.v=test2json marks with ^V, tell a name's end from its -N suffix.
func listed(stdout []byte) []line {
	var out []line
	current := ""
	for line := range bytes.Lines(stdout) {
		text := string(bytes.TrimSuffix(line, []byte("\n")))
		if rest, ok := strings.CutPrefix(text, "\x16=== RUN   Benchmark"); ok {
			current = rest
			continue
		}
		if current == "" {
			continue
		}
		if l, err := parseLine(text, current); err == nil && l != nil {
			out = append(out, *l)
		}
	}
	return out
}

// resultOf returns the last result line of the named benchmark, and how many there were. Anything else that the
// child printed is not looked at: it might read as configuration or as another benchmark's result.
func resultOf(stdout []byte, name string) (*line, int, error) {
	var last *line
	count := 0
	var firstErr error
	full := []byte("Benchmark" + name)
	for text := range bytes.Lines(stdout) {
		if !bytes.Contains(text, full) { // a child may print millions of lines
			continue
		}
		l, err := parseLine(string(bytes.TrimSuffix(text, []byte("\n"))), name)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		if err == nil && l != nil {
			last = l
			count++
		}
	}
	if last == nil && firstErr != nil {
		return nil, 0, firstErr
	}
	return last, count, nil
}

// parseLine reads a result line of the named benchmark, which may stand behind something that the benchmark printed
// without a newline. It returns nil, nil for any other line.
func parseLine(text, name string) (*line, error) {
	full := "Benchmark" + name
	at := strings.LastIndex(text, full)
	if at < 0 {
		return nil, nil
	}
	text = text[at:]
	rest := text[len(full):]
	procs := 0
	if strings.HasPrefix(rest, "-") {
		digits := rest[1:]
		if i := strings.IndexAny(digits, " \t"); i >= 0 {
			digits = digits[:i]
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 {
			return nil, nil
		}
		procs, rest = n, rest[1+len(digits):]
	}
	if rest == "" || rest[0] != ' ' && rest[0] != '\t' {
		return nil, nil
	}
	reader := benchfmt.NewReader(strings.NewReader(text), "result line")
	if !reader.Scan() {
		return nil, nil
	}
	switch r := reader.Result().(type) {
	case *benchfmt.SyntaxError:
		return nil, fmt.Errorf("malformed result line %q: %s", clip(text, 200), r.Msg)
	case *benchfmt.Result:
		if r.Iters == 0 { // package testing's, of a benchmark whose panic has not ended the process yet
			return nil, nil
		}
		l := &line{name: name, procs: procs, n: r.Iters}
		for _, v := range r.Values {
			if v.OrigUnit != "" {
				l.values = append(l.values, results.Value{Value: v.OrigValue, Unit: v.OrigUnit})
			} else {
				l.values = append(l.values, results.Value{Value: v.Value, Unit: v.Unit})
			}
		}
		return l, nil
	}
	return nil, nil
}

// validate refuses what can't be a measurement.
func (l *line) validate(n int, primary []string) error {
	if n > 0 && l.n != n {
		return fmt.Errorf("ran %d iterations, not the plan's %d", l.n, n)
	}
	seen := map[string]bool{}
	for _, v := range l.values {
		switch {
		case math.IsNaN(v.Value) || math.IsInf(v.Value, 0):
			return fmt.Errorf("reports %v %s, which is no number", v.Value, v.Unit)
		case math.Abs(v.Value) > maxValue:
			return fmt.Errorf("reports an absurd %g %s, above %g", v.Value, v.Unit, maxValue)
		case seen[v.Unit]:
			return fmt.Errorf("reports %s twice", v.Unit)
		}
		seen[v.Unit] = true
		for _, unit := range primary {
			if unit == v.Unit && v.Value < 0 {
				return fmt.Errorf("reports a negative %v %s", v.Value, v.Unit)
			}
		}
	}
	if len(l.values) == 0 {
		return errors.New("reports no value")
	}
	return nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
