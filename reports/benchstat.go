package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchproc"
	"golang.org/x/perf/benchunit"

	"tunelab/reports/internal/plain"
	"tunelab/results/benchtext"
)

// A PlainFile is a Go benchmark file that has no records of ours.
type PlainFile struct {
	Name string // as messages and columns call it
	Data []byte
}

// Benchstat writes what benchstat would of plain Go benchmark files: a column for each file, the first being the
// base, a table for each unit and configuration, with benchstat's medians, intervals, deltas and p-values. It gives
// no verdict, because such files don't say in which order and blocks they were measured, and says so.
//
// Lines that can't be read are told on problems with file and line, and reading goes on. A file that is not text is an
// error, and so are files without any result. Lines are at most width columns wide; 0 is 80.
func Benchstat(w, problems io.Writer, files []PlainFile, width int) error {
	tables, err := readTables(problems, files)
	if err != nil {
		return err
	}
	p := newPrinter(width, false)
	p.wrap("", "unpaired: no verdict, because the files hold no record of the order and blocks in which they were measured; below is what benchstat says")
	config := map[string]string{}
	for _, t := range tables {
		p.blank()
		for _, line := range t.config {
			if config[line.Name] != line.Value {
				p.wrap("", plain.Clean(line.Name)+": "+plain.Clean(line.Value))
			}
			config[line.Name] = line.Value
		}
		shown := t.view()
		p.line(shown.Unit)
		p.metricTable(shown)
	}
	if _, err := w.Write(p.buf.Bytes()); err != nil {
		return fmt.Errorf("writing the table of %s: %w", names(files), err)
	}
	return nil
}

func names(files []PlainFile) string {
	var list []string
	for _, f := range files {
		list = append(list, f.Name)
	}
	return strings.Join(list, ", ")
}

// A fileTable is one unit under one configuration.
type fileTable struct {
	unit       string // tidied: sec/op
	config     []fact
	rows, cols []benchproc.Key
	cells      map[fileCellKey]*fileCell
	assumption benchmath.Assumption
}

type fileCellKey struct{ row, col benchproc.Key }

type fileCell struct {
	values  []float64
	residue map[benchproc.Key]bool
	sample  *benchmath.Sample
	summary benchmath.Summary
}

// projections are the dimensions of the tables, benchstat's defaults.
type projections struct {
	table, row, col, residue *benchproc.Projection
	unit                     *benchproc.Field

	// The cells that lines of a name go to, while configuration lines stay as they are: finding them takes longer than
	// reading the line does.
	known  map[string]placed
	config []benchfmt.Config
}

// placed is where the values of a line go.
type placed struct {
	units []string
	cells []*fileCell
}

func newProjections() (*projections, error) {
	p := &projections{}
	var parser benchproc.ProjectionParser
	var errs [3]error
	p.table, p.unit, errs[0] = parser.ParseWithUnit(".config", nil)
	p.row, errs[1] = parser.Parse(".fullname", nil)
	p.col, errs[2] = parser.Parse(".file", nil)
	p.residue = parser.Residue()
	return p, errors.Join(errs[:]...)
}

// readTables reads the files and groups their values.
func readTables(problems io.Writer, files []PlainFile) ([]*fileTable, error) {
	by, err := newProjections()
	if err != nil {
		return nil, fmt.Errorf("grouping benchmark results: %w", err)
	}
	tables := map[benchproc.Key]*fileTable{}
	tell := func(problem string) error {
		if _, err := fmt.Fprintln(problems, plain.Clean(problem)); err != nil {
			return fmt.Errorf("telling of a bad line: %w", err)
		}
		return nil
	}
	var reader benchfmt.Reader
	labels := columnNames(files)
	for i, f := range files {
		text, err := benchtext.Decode(f.Data)
		if err != nil && (text == nil || !hasResults(text)) {
			return nil, fmt.Errorf("reading %s: %w", f.Name, err)
		} else if err != nil {
			err = tell(f.Name + ": " + err.Error())
		}
		if whole := benchtext.CutOff(text); err == nil && whole < len(text) {
			err = tell(fmt.Sprintf("%s:%d: the last line breaks off within a unit and is left out", f.Name, 1+bytes.Count(text[:whole], []byte("\n"))))
			text = text[:whole]
		}
		if err != nil {
			return nil, err
		}
		reader.Reset(bytes.NewReader(text), f.Name, ".file", labels[i])
		for reader.Scan() {
			switch record := reader.Result().(type) {
			case *benchfmt.SyntaxError:
				if err := tell(record.Error()); err != nil {
					return nil, err
				}
			case *benchfmt.Result:
				by.add(tables, record)
			}
		}
		if err := reader.Err(); err != nil {
			return nil, fmt.Errorf("reading benchmark files: %w", err)
		}
	}
	if len(tables) == 0 {
		return nil, fmt.Errorf("no benchmark results in %s: expected the output of go test -bench, a line for each result", names(files))
	}
	return by.finish(tables, reader.Units()), nil
}

// hasResults reports whether a text has lines that may be results.
func hasResults(text []byte) bool {
	return bytes.HasPrefix(text, []byte("Benchmark")) || bytes.Contains(text, []byte("\nBenchmark"))
}

// columnNames are the files' names, numbered where one stands there more than once, as benchstat does it.
func columnNames(files []PlainFile) []string {
	times, seen := map[string]int{}, map[string]int{}
	for _, f := range files {
		times[f.Name]++
	}
	var list []string
	for _, f := range files {
		name := f.Name
		if times[name] > 1 {
			name = fmt.Sprintf("%s#%d", name, seen[name])
			seen[f.Name]++
		}
		list = append(list, name)
	}
	return list
}

func (p *projections) add(tables map[benchproc.Key]*fileTable, r *benchfmt.Result) {
	if !slices.EqualFunc(p.config, r.Config, sameConfig) {
		p.known = map[string]placed{}
		p.config = p.config[:0]
		for _, c := range r.Config {
			p.config = append(p.config, benchfmt.Config{Key: c.Key, Value: bytes.Clone(c.Value), File: c.File})
		}
	}
	k, ok := p.known[string(r.Name)]
	if !ok || !k.holds(r.Values) {
		k = p.find(tables, r)
		p.known[string(r.Name)] = k
	}
	for i, c := range k.cells {
		c.values = append(c.values, r.Values[i].Value)
	}
}

func sameConfig(a, b benchfmt.Config) bool {
	return a.Key == b.Key && a.File == b.File && bytes.Equal(a.Value, b.Value)
}

// holds reports whether the values are of these units.
func (k placed) holds(values []benchfmt.Value) bool {
	return slices.EqualFunc(k.units, values, func(unit string, v benchfmt.Value) bool { return unit == v.Unit })
}

// find finds the cells of a result's values, and makes those that are not there.
func (p *projections) find(tables map[benchproc.Key]*fileTable, r *benchfmt.Result) placed {
	var k placed
	key := fileCellKey{p.row.Project(r), p.col.Project(r)}
	residue := p.residue.Project(r)
	for i, tableKey := range p.table.ProjectValues(r) {
		t := tables[tableKey]
		if t == nil {
			t = &fileTable{cells: map[fileCellKey]*fileCell{}}
			tables[tableKey] = t
		}
		c := t.cells[key]
		if c == nil {
			c = &fileCell{residue: map[benchproc.Key]bool{}}
			t.cells[key] = c
		}
		c.residue[residue] = true
		k.units, k.cells = append(k.units, r.Values[i].Unit), append(k.cells, c)
	}
	return k
}

// finish sorts everything and summarises every cell.
func (p *projections) finish(tables map[benchproc.Key]*fileTable, units benchfmt.UnitMetadataMap) []*fileTable {
	var out []*fileTable
	for _, key := range sortedKeys(tables) {
		t := tables[key]
		t.unit = key.Get(p.unit)
		t.assumption = units.GetAssumption(t.unit)
		for _, f := range p.table.FlattenedFields() {
			if f != p.unit {
				t.config = append(t.config, fact{f.Name, key.Get(f)})
			}
		}
		rows, cols := map[benchproc.Key]bool{}, map[benchproc.Key]bool{}
		for k, c := range t.cells {
			rows[k.row], cols[k.col] = true, true
			c.sample = benchmath.NewSample(c.values, &benchmath.DefaultThresholds)
			c.summary = t.assumption.Summary(c.sample, confidence)
			if fields := benchproc.NonSingularFields(sortedKeys(c.residue)); len(fields) > 0 {
				var names []string
				for _, f := range fields {
					names = append(names, f.Name)
				}
				c.sample.Warnings = append(c.sample.Warnings, errors.New("benchmarks vary in "+strings.Join(names, ", ")))
			}
		}
		t.rows, t.cols = sortedKeys(rows), sortedKeys(cols)
		out = append(out, t)
	}
	return out
}

func sortedKeys[V any](m map[benchproc.Key]V) []benchproc.Key {
	var keys []benchproc.Key
	for k := range m {
		keys = append(keys, k)
	}
	benchproc.SortKeys(keys)
	return keys
}

// view makes the table that is printed.
func (t *fileTable) view() metricTable {
	out := metricTable{Unit: plain.Clean(t.unit), NeedsP: true}
	for i, col := range t.cols {
		sub := "vs base"
		if i == 0 {
			sub = "base"
		}
		out.Columns = append(out.Columns, tableColumn{Name: plain.Clean(col.StringValues()), Sub: sub, Base: i == 0})
	}
	for _, row := range t.rows {
		out.Rows = append(out.Rows, t.viewRow(&out, row))
	}
	if len(t.rows) > 1 {
		out.Rows = append(out.Rows, t.geomean(&out))
	}
	return out
}

func (t *fileTable) viewRow(out *metricTable, row benchproc.Key) tableRow {
	view := tableRow{Case: plain.Clean(row.StringValues()), Cells: make([]tableCell, len(t.cols))}
	var centers []float64
	for _, col := range t.cols {
		if c := t.cells[fileCellKey{row, col}]; c != nil {
			centers = append(centers, c.summary.Center)
		}
	}
	scale := benchunit.CommonScale(centers, benchunit.ClassOf(t.unit))
	base := t.cells[fileCellKey{row, t.cols[0]}]
	for i, col := range t.cols {
		c := t.cells[fileCellKey{row, col}]
		if c == nil {
			continue
		}
		cell := &view.Cells[i]
		cell.Value, cell.Range = scale.Format(c.summary.Center), c.summary.PctRangeString()
		cell.Notes = out.note(nil, c.sample.Warnings)
		cell.Notes = out.note(cell.Notes, c.summary.Warnings)
		if i > 0 && base != nil {
			compared := t.assumption.Compare(base.sample, c.sample)
			cell.Delta, cell.P = compared.FormatDelta(base.summary.Center, c.summary.Center), compared.String()
			cell.DeltaNotes = out.note(nil, compared.Warnings)
		}
	}
	return view
}

// geomean is the last row: the geometric mean of the medians, and of the ratios to the base.
func (t *fileTable) geomean(out *metricTable) tableRow {
	view := tableRow{Case: "geomean", Cells: make([]tableCell, len(t.cols))}
	inBase := 0
	for _, row := range t.rows {
		if t.cells[fileCellKey{row, t.cols[0]}] != nil {
			inBase++
		}
	}
	for i, col := range t.cols {
		var centers, ratios []float64
		for _, row := range t.rows {
			c, base := t.cells[fileCellKey{row, col}], t.cells[fileCellKey{row, t.cols[0]}]
			if c == nil {
				continue
			}
			centers = append(centers, c.summary.Center)
			if base != nil {
				ratios = append(ratios, ratioOf(c.summary.Center, base.summary.Center))
			}
		}
		cell := &view.Cells[i]
		if i > 0 && len(ratios) != inBase {
			cell.DeltaNotes = out.note(cell.DeltaNotes, []error{errors.New("benchmark set differs from baseline; geomeans may not be comparable")})
		}
		if mean := stats.GeoMean(centers); math.IsNaN(mean) {
			cell.DeltaNotes = out.note(cell.DeltaNotes, []error{errors.New("summaries must be >0 to compute geomean")})
		} else {
			cell.Value = benchunit.Scale(mean, benchunit.ClassOf(t.unit))
		}
		if i == 0 {
			continue
		}
		if mean := stats.GeoMean(ratios); math.IsInf(mean, 0) { // the base is 0 and the other is not
			cell.Delta = "?"
		} else if math.IsNaN(mean) {
			cell.Delta = "?"
			cell.DeltaNotes = out.note(cell.DeltaNotes, []error{errors.New("ratios must be >0 to compute geomean")})
		} else {
			cell.Delta = fmt.Sprintf("%+.2f%%", 100*(mean-1))
		}
	}
	return view
}

// ratioOf is a ÷ b, and 1 for 0 ÷ 0.
func ratioOf(a, b float64) float64 {
	if a == b {
		return 1
	}
	return a / b
}
