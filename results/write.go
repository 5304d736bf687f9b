package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// BenchFile is the name of the one source of truth in a run's folder.
const BenchFile = "bench.txt"

// maxLine is the longest line that is written: golang.org/x/perf's reader gives up at 65,536 bytes.
const maxLine = 60_000

// A Writer appends to one run's bench.txt. It is not safe for concurrent use.
type Writer struct {
	f    *os.File
	end  int64 // offset behind the last record that is whole
	next int   // number of the next trial
}

// Create makes bench.txt in dir, which must not hold one, and writes the header: the run with its plan.
func Create(dir string, run *Run) (*Writer, error) {
	path := filepath.Join(dir, BenchFile)
	header, err := encodeHeader(run)
	if err != nil {
		return nil, fmt.Errorf("writing the plan to %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("writing the plan: %w", err)
	}
	w := &Writer{f: f, next: 1}
	if err := w.write(header); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the plan to %s: %w; choose another folder with --results", path, err)
	}
	return w, nil
}

// Reopen opens the bench.txt that file was read from, cuts off what follows its last whole record, and returns a
// Writer that goes on there.
func Reopen(file *File) (*Writer, error) {
	if file.decoded {
		return nil, fmt.Errorf("resuming %s: another program has changed its encoding; make it UTF-8 without a byte order mark again, or start a new run", file.Path)
	}
	f, err := os.OpenFile(file.Path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("resuming: %w", err)
	}
	if err := f.Truncate(file.end); err != nil {
		f.Close()
		return nil, fmt.Errorf("resuming %s: cutting off the torn end: %w", file.Path, err)
	}
	w := &Writer{f: f, end: file.end, next: len(file.Trials) + 1}
	return w, nil
}

// Append writes trials in one write and syncs them: all or none. It numbers them. When writing fails, what got through
// is cut off again, so that the file stays whole and the run can be resumed.
func (w *Writer) Append(trials ...*Trial) error {
	var all []byte
	for i, t := range trials {
		t.Trial = w.next + i
		text, err := encodeTrial(t)
		if err != nil {
			return fmt.Errorf("writing trial %d to %s: %w", t.Trial, w.f.Name(), err)
		}
		all = append(all, text...)
	}
	if err := w.write(all); err != nil {
		return fmt.Errorf("writing trial %d to %s: %w", w.next, w.f.Name(), err)
	}
	w.next += len(trials)
	return nil
}

// Finish writes that measuring ended, and why.
func (w *Writer) Finish(d Done) error {
	text, err := comment("done", d)
	if err == nil {
		err = w.write(text)
	}
	if err != nil {
		return fmt.Errorf("writing the end of the run to %s: %w", w.f.Name(), err)
	}
	return nil
}

// Profile writes that there is a profile, or why there is none.
func (w *Writer) Profile(p Profile) error {
	text, err := comment("profile", p)
	if err == nil {
		err = w.write(text)
	}
	if err != nil {
		return fmt.Errorf("writing of a profile to %s: %w", w.f.Name(), err)
	}
	return nil
}

// Close closes the file. All that was appended is on disk already.
func (w *Writer) Close() error { return w.f.Close() }

func (w *Writer) write(text []byte) error {
	_, err := w.f.WriteAt(text, w.end)
	if err == nil {
		err = w.f.Sync()
	}
	if err != nil {
		return errors.Join(err, w.f.Truncate(w.end))
	}
	w.end += int64(len(text))
	return nil
}

func encodeHeader(run *Run) ([]byte, error) {
	var out bytes.Buffer
	config := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&out, "%s: %s\n", key, oneLine(value))
		}
	}
	config("goos", run.Host.GOOS)
	config("goarch", run.Host.GOARCH)
	config("cpu", run.Host.CPU)
	config("go", run.Host.Go)
	config("kernel", run.Host.Kernel)
	config("machine", run.Host.Machine)
	config("pkg", run.Package)
	config("scenario", run.Scenario)
	config("protocol", strconv.Itoa(run.Protocol))

	var err error
	line := func(word string, v any) {
		text, e := comment(word, v)
		err = errors.Join(err, e)
		out.Write(text)
	}
	line("run", run)
	each(line, "variant", run.Variants)
	each(line, "metric", run.Metrics)
	each(line, "claim", run.Claims)
	each(line, "check", run.Checks)
	each(line, "fact", run.Facts)
	each(line, "not_measured", run.NotMeasured)
	each(line, "figure", run.Figures)
	each(line, "case", run.Plan.Cases)
	for _, m := range run.Metrics {
		fmt.Fprintf(&out, "Unit %s better=%s\n", m.Unit, m.Better)
	}
	line("begin", struct {
		Cases int `json:"cases"`
	}{len(run.Plan.Cases)})
	return out.Bytes(), err
}

func each[T any](line func(string, any), word string, list []T) {
	for _, v := range list {
		line(word, v)
	}
}

func comment(word string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding # %s: %w", word, err)
	}
	if len(text) > maxLine {
		return nil, fmt.Errorf("# %s takes %d bytes and readers of the format take %d a line; shorten its texts", word, len(text), maxLine)
	}
	return fmt.Appendf(nil, "# %s %s\n", word, text), nil
}

func encodeTrial(t *Trial) ([]byte, error) {
	out, err := comment("trial", t)
	if err != nil {
		return nil, err
	}
	if t.Outcome != OK {
		out = append(out, "# "...)
	} else {
		out = fmt.Appendf(out, "variant: %s\n", oneLine(t.Variant))
	}
	if len(t.Values) > 0 {
		out = appendResult(out, t)
	} else if t.Outcome != OK {
		out = append(out, "no result line\n"...)
	} else {
		return nil, fmt.Errorf("trial of %s ended ok without a value", t.Case)
	}
	return fmt.Appendf(out, "# end {\"trial\":%d}\n", t.Trial), nil
}

func appendResult(out []byte, t *Trial) []byte {
	out = append(out, "Benchmark"...)
	out = append(out, t.Case...)
	if t.Procs > 0 {
		out = fmt.Appendf(out, "-%d", t.Procs)
	}
	out = fmt.Appendf(out, "\t%d", t.Iterations)
	for _, v := range t.Values {
		out = append(out, '\t')
		out = strconv.AppendFloat(out, v.Value, 'f', -1, 64)
		out = append(out, ' ')
		out = append(out, v.Unit...)
	}
	return append(out, '\n')
}

// oneLine keeps a text from becoming two lines of the file.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
