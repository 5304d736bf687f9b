package calibrate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tunelab/results"
	"tunelab/results/verdict"
)

// A Stored is a recording as the evaluation keeps it: a line of JSON.
type Stored struct {
	Level     float64        `json:"level"` // duty of the neighbour
	Took      float64        `json:"took"`  // share of a CPU that it did take
	Kind      string         `json:"kind"`  // one of the kinds below
	Benchmark string         `json:"benchmark"`
	Seed      uint64         `json:"seed"`
	Made      string         `json:"made"` // RFC 3339
	Host      results.Host   `json:"host"`
	Protocol  int            `json:"protocol"`  // of the trials, see results.Protocol
	Processes results.Levels `json:"processes"` // how a block's processes shared the time
	Draws     int            `json:"draws,omitempty"`
	Extra     string         `json:"extra,omitempty"` // what each operation of the variant does besides, the name of one of extras
	Inside    float64        `json:"inside"`
	Pilot     float64        `json:"pilot,omitempty"` // s
	// Blocks are base and variant in ns/op, the number of the draw, machine-seconds, and the share of the CPU time that
	// others took.
	Blocks [][5]float64 `json:"blocks,omitempty"`
	Series []Series     `json:"series,omitempty"`
}

// The kinds of recordings.
const (
	KindSame     = "same"     // one binary against itself, as a run measures
	KindLayouts  = "layouts"  // the same code in layouts of its own on each side, as a run measures
	KindInjected = "injected" // more work in the variant, as a run measures
	KindUsual    = "usual"    // one binary against itself, in fresh processes of 100 ms
	KindCount    = "count"    // one binary, in processes of -count=10
)

// store makes a recording one to keep.
func store(r Recording, level, took float64, kind, benchmark string, seed uint64, made string, host results.Host) Stored {
	s := Stored{
		Protocol: results.Protocol, Level: level, Took: took, Kind: kind, Benchmark: benchmark, Seed: seed, Made: made, Host: host,
		Draws: r.Draws, Inside: r.Inside, Extra: r.Extra, Pilot: r.Pilot, Series: r.Series,
	}
	if l := r.Plan.Processes; l != nil {
		s.Processes = *l
	}
	for i, p := range r.Trace.Pairs {
		s.Blocks = append(s.Blocks, [5]float64{p.Base, p.Variant, float64(p.Draw), r.Trace.Seconds[i], r.Busy[i]})
	}
	return s
}

// Recording is what was stored.
func (s Stored) Recording() Recording {
	r := Recording{Case: s.Benchmark, Draws: s.Draws, Inside: s.Inside, Extra: s.Extra, Pilot: s.Pilot, Series: s.Series}
	r.Plan.Processes = &s.Processes
	for _, b := range s.Blocks {
		r.Trace.Pairs = append(r.Trace.Pairs, verdict.Pair{Base: b[0], Variant: b[1], Draw: int(b[2])})
		r.Trace.Seconds = append(r.Trace.Seconds, b[3])
		r.Busy = append(r.Busy, b[4])
	}
	return r
}

// Append adds a line to the file of traces in dir, and syncs it.
func (s Stored) Append(dir string) error {
	if err := AppendLine(filepath.Join(dir, TracesFile), s); err != nil {
		return fmt.Errorf("keeping a trace: %w", err)
	}
	return nil
}

// AppendLine adds a line of JSON to a file, behind the last whole one, and syncs it. The file's folder is made if need be.
func AppendLine(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := cutTorn(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// cutTorn cuts off what follows the last whole line.
func cutTorn(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) {
		return os.Truncate(path, int64(whole))
	}
	return nil
}

// TracesFile is the name of the file that an evaluation's traces are in.
const TracesFile = "traces.jsonl"

// Load reads the traces in dir.
func Load(dir string) ([]Stored, error) { return ReadLines[Stored](filepath.Join(dir, TracesFile)) }

// ReadLines reads a file of JSON lines that [AppendLine] wrote, nothing where there is none. A last line that is torn is left
// out: the evaluation was killed while it wrote.
func ReadLines[T any](path string) ([]T, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was recorded: %w", err)
	}
	defer f.Close()
	var out []T
	var torn error
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		if torn != nil {
			return nil, torn
		}
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			torn = fmt.Errorf("reading what was recorded: %s:%d: %w", path, n, err)
			continue
		}
		out = append(out, one)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading what was recorded in %s: %w", path, err)
	}
	return out, nil
}

// Select returns the recordings of a benchmark at a level, made as runs are made now: those of another protocol say
// nothing about it.
func Select(all []Stored, level float64, kind, benchmark string) []Recording {
	var out []Recording
	for _, s := range all {
		if s.Protocol == results.Protocol && s.Level == level && s.Kind == kind && s.Benchmark == benchmark {
			out = append(out, s.Recording())
		}
	}
	return out
}

// Benchmarks returns the names of the benchmarks that were recorded, sorted.
func Benchmarks(all []Stored) []string {
	var names []string
	for _, s := range all {
		if !slices.Contains(names, s.Benchmark) {
			names = append(names, s.Benchmark)
		}
	}
	slices.Sort(names)
	return names
}
