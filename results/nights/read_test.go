package nights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// says reports whether some problem is of the file and says all of the words.
func says(problems []Problem, file string, words ...string) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool {
		for _, w := range words {
			if !strings.Contains(p.What, w) {
				return false
			}
		}
		return p.File == file
	})
}

func TestTornAnywhere(t *testing.T) {
	night := sample(1)
	night.Points = night.Points[2:10]
	text := encoded(t, night)
	most := 0
	for length := range len(text) {
		h := readAll(t, files{{Name: "torn.txt", Data: text[:length]}})
		if len(h.Problems) == 0 {
			t.Fatalf("cut to %d bytes: nothing is named", length)
		}
		whole := bytes.Count(text[:length], []byte("\n# point "))
		if whole > 0 && bytes.LastIndexByte(text[:length], '\n') < bytes.LastIndex(text[:length], []byte("\n# point "))+1 {
			whole-- // the last one's own line is cut
		}
		var got []Point
		for _, n := range h.Nights {
			got = append(got, n.Points...)
		}
		if len(got) != whole {
			t.Fatalf("cut to %d bytes: %d points, and %d are whole", length, len(got), whole)
		}
		for i, p := range got {
			if !reflect.DeepEqual(p, night.Points[i]) {
				t.Fatalf("cut to %d bytes: %+v, want %+v", length, p, night.Points[i])
			}
		}
		most = max(most, whole)
		if whole > 0 && (!says(h.Problems, "torn.txt", "torn", night.Commit) || h.Nights[0].Commit != night.Commit) {
			t.Fatalf("cut to %d bytes: %v", length, h.Problems)
		}
	}
	if most != len(night.Points) {
		t.Errorf("at most %d points, want %d", most, len(night.Points))
	}
}

func TestTornInTheMiddle(t *testing.T) {
	night := sample(1)
	lines := slices.Collect(bytes.Lines(encoded(t, night)))
	for i, line := range lines {
		text := slices.Concat(slices.Concat(lines[:i]...), slices.Concat(lines[i+1:]...))
		h := readAll(t, files{{Name: "a.txt", Data: text}})
		for _, n := range h.Nights {
			for _, p := range n.Points {
				at := slices.IndexFunc(night.Points, func(q Point) bool {
					return q.Package == p.Package && q.Benchmark == p.Benchmark && q.Metric == p.Metric
				})
				if at < 0 || !reflect.DeepEqual(p, night.Points[at]) {
					t.Fatalf("without line %d, %q: %+v", i+1, line, p)
				}
			}
		}
		if (bytes.HasPrefix(line, []byte("Benchmark")) || bytes.HasPrefix(line, []byte("# point")) || bytes.HasPrefix(line, []byte("# end"))) && len(h.Problems) == 0 {
			t.Errorf("without line %d, %q: nothing is named", i+1, line)
		}
	}
}

// TestNoVerdict has a point with a verdict that there is not: it is named, and its values are used.
func TestNoVerdict(t *testing.T) {
	night := sample(1)
	at := slices.IndexFunc(night.Points, func(p Point) bool { return p.Verdict != "" })
	name := night.Points[at].Benchmark
	night.Points[at].Verdict = "faster"
	h := readAll(t, files{{Name: "a.txt", Data: encoded(t, night)}})
	if len(h.Nights) != 1 || len(h.Problems) != 1 || !says(h.Problems, "a.txt", name, `"faster"`, "taken without") {
		t.Fatalf("%d nights, problems %v", len(h.Nights), h.Problems)
	}
	night.Points[at].Verdict = ""
	if !reflect.DeepEqual(h.Nights[0].Points, night.Points) {
		t.Errorf("points %+v", h.Nights[0].Points)
	}
}

func TestNightsBehindOneAnother(t *testing.T) {
	a, b, c := encoded(t, sample(3)), encoded(t, sample(1)), encoded(t, sample(2))
	h := readAll(t, files{{Name: "all.txt", Data: slices.Concat(a, b, c[:len(c)/2], a)}})
	var got []string
	for _, n := range h.Nights {
		got = append(got, n.Commit)
	}
	if want := []string{sample(1).Commit, sample(2).Commit, sample(3).Commit}; !slices.Equal(got, want) {
		t.Errorf("nights %v, want %v", got, want)
	}
	if !says(h.Problems, "all.txt", "torn", sample(2).Commit) || !says(h.Problems, "all.txt", "is in all.txt too", sample(3).Commit) {
		t.Errorf("problems %v", h.Problems)
	}
	if n := h.Nights[1]; !reflect.DeepEqual(n.Points, sample(2).Points[:len(n.Points)]) || len(n.Points) == 0 {
		t.Errorf("of the torn night: %d points", len(n.Points))
	}
}

func TestDuplicates(t *testing.T) {
	whole := encoded(t, sample(1))
	other := sample(1)
	other.Points = slices.Clone(other.Points[1:])
	elsewhere := sample(1)
	elsewhere.Host.Machine = "another"
	h := readAll(t, files{
		{Name: "4-whole.txt", Data: whole}, {Name: "1-torn.txt", Data: whole[:len(whole)-3]}, {Name: "2-short.txt", Data: encoded(t, other)},
		{Name: "5-copy.txt", Data: whole}, {Name: "3-elsewhere.txt", Data: encoded(t, elsewhere)},
	})
	if len(h.Nights) != 2 || h.Nights[0].File != "3-elsewhere.txt" || h.Nights[1].File != "4-whole.txt" {
		t.Fatalf("%d nights: %v", len(h.Nights), h.Problems)
	}
	for _, file := range []string{"1-torn.txt", "2-short.txt", "5-copy.txt"} {
		if !says(h.Problems, file, "4-whole.txt", "left out") {
			t.Errorf("%s is not named: %v", file, h.Problems)
		}
	}
}

const foreign = `goos: linux
goarch: amd64
cpu: A CPU
pkg: example.org/a
commit: 1111111111
date: 2026-11-02T03:00:00+01:00
Unit req/s better=higher
BenchmarkX/n=1-4   	 100	 412.5 ns/op	 0 B/op	 7 req/s
noise between
BenchmarkX/n=1-4   	 100	 413 ns/op	 0 B/op	 8 req/s
pkg: example.org/b
BenchmarkX/n=1-4   	 50	 1e3 ns/op
PASS
ok  	example.org/b	1.2s
`

func TestForeign(t *testing.T) {
	h := readAll(t, files{{Name: "a.txt", Data: []byte(foreign)}})
	if len(h.Problems) > 0 || len(h.Nights) != 1 {
		t.Fatalf("%d nights, %v", len(h.Nights), h.Problems)
	}
	n := h.Nights[0]
	if !n.Started.Equal(time.Date(2026, 11, 2, 2, 0, 0, 0, time.UTC)) || n.Commit != "1111111111" || n.Baseline != "" || n.Host.CPU != "A CPU" {
		t.Errorf("%+v", n)
	}
	want := []Point{
		{Package: "example.org/a", Benchmark: "X/n=1", Metric: "ns/op", Better: "lower", Tip: []float64{412.5, 413}, Iterations: 100, Procs: 4},
		{Package: "example.org/a", Benchmark: "X/n=1", Metric: "B/op", Better: "lower", Tip: []float64{0, 0}, Iterations: 100, Procs: 4},
		{Package: "example.org/a", Benchmark: "X/n=1", Metric: "req/s", Better: "higher", Tip: []float64{7, 8}, Iterations: 100, Procs: 4},
		{Package: "example.org/b", Benchmark: "X/n=1", Metric: "ns/op", Better: "lower", Tip: []float64{1000}, Iterations: 50, Procs: 4},
	}
	if !reflect.DeepEqual(n.Points, want) {
		t.Errorf("%+v\nwant\n%+v", n.Points, want)
	}
}

func TestForeignInParts(t *testing.T) {
	part := strings.ReplaceAll(strings.ReplaceAll(foreign, "example.org/a", "example.org/c"), "example.org/b", "example.org/a")
	h := readAll(t, files{{Name: "a.txt", Data: []byte(foreign)}, {Name: "b.txt", Data: []byte(part)}})
	if len(h.Nights) != 1 || len(h.Nights[0].Points) != 7 || !says(h.Problems, "b.txt", "1 points", "a.txt") {
		t.Errorf("%d nights, %v", len(h.Nights), h.Problems)
	}
	second := strings.ReplaceAll(strings.ReplaceAll(foreign, "1111111111", "2222222222"), "11-02", "11-03")
	h = readAll(t, files{{Name: "a.txt", Data: []byte(second + foreign)}})
	if len(h.Nights) != 2 || h.Nights[0].Commit != "1111111111" || len(h.Nights[1].Points) != 4 || len(h.Problems) > 0 {
		t.Errorf("%d nights, %v", len(h.Nights), h.Problems)
	}
}

func TestForeignNames(t *testing.T) {
	head := "commit: 1111111\ndate: 2026-11-02\n"
	for text, want := range map[string][]string{
		"BenchmarkX-8 1 2 ns/op\nBenchmarkY/size-10-8 1 2 ns/op\n":      {"X", "Y/size-10"},
		"BenchmarkX 1 2 ns/op\nBenchmarkY/size-10 1 2 ns/op\n":          {"X", "Y/size-10"},
		"BenchmarkY/size-10 1 2 ns/op\nBenchmarkY/size-100 1 2 ns/op\n": {"Y/size-10", "Y/size-100"},
		"BenchmarkX-0 1 2 ns/op\n":                                      {"X-0"},
	} {
		h := readAll(t, files{{Name: "a.txt", Data: []byte(head + text)}})
		var got []string
		for _, p := range h.Nights[0].Points {
			got = append(got, p.Benchmark)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// A value that was cut short is another value.
func TestForeignTorn(t *testing.T) {
	for length := range len(foreign) {
		h := readAll(t, files{{Name: "a.txt", Data: []byte(foreign[:length])}})
		for _, n := range h.Nights {
			for _, p := range n.Points {
				for _, v := range p.Tip {
					if !slices.Contains([]float64{412.5, 413, 0, 7, 8, 1000}, v) || !slices.Contains([]string{"ns/op", "B/op", "req/s"}, p.Metric) {
						t.Fatalf("cut to %d bytes: %v %s", length, v, p.Metric)
					}
				}
			}
		}
	}
}

// However a file was written down, it is the same night.
func TestForeignText(t *testing.T) {
	wide := func(s string, order binary.AppendByteOrder) []byte {
		var out []byte
		for _, u := range utf16.Encode([]rune(s)) {
			out = order.AppendUint16(out, u)
		}
		return out
	}
	crlf := strings.ReplaceAll(foreign, "\n", "\r\n")
	want := readAll(t, files{{Name: "a.txt", Data: []byte(foreign)}})
	for name, data := range map[string][]byte{
		"CRLF":            []byte(crlf),
		"marked":          []byte("\ufeff" + foreign),
		"marked CRLF":     []byte("\ufeff" + crlf),
		"UTF-16LE":        wide("\ufeff"+crlf, binary.LittleEndian),
		"UTF-16BE":        wide("\ufeff"+foreign, binary.BigEndian),
		"UTF-16LE, plain": wide(foreign, binary.LittleEndian),
		"UTF-16BE, plain": wide(crlf, binary.BigEndian),
		"no last end":     []byte(foreign[:strings.Index(foreign, "\nPASS")]),
		"UTF-16, no end":  wide("\ufeff"+crlf[:strings.Index(crlf, "\r\nPASS")], binary.LittleEndian),
		"commit-time":     []byte(strings.Replace(foreign, "date: ", "commit-time: ", 1)),
		"commit-date":     []byte(strings.Replace(foreign, "date: ", "commit-date: ", 1)),
		"both":            []byte("commit-time: 1999-01-01\n" + foreign),
		"experiment":      []byte(strings.Replace(strings.Replace(foreign, "date: ", "experiment-commit-time: ", 1), "commit: ", "experiment-commit: ", 1)),
		"bent":            []byte(strings.Replace(strings.Replace(foreign, "date: ", "numerator_stamp: ", 1), "commit: ", "numerator_hash: ", 1)),
		"two sides": []byte(strings.Replace(strings.Replace(foreign, "date: ", "experiment-commit-time: ", 1), "commit: ", "experiment-commit: ", 1) +
			"pkg: example.org/a\ntoolchain: baseline\nBenchmarkX/n=1-4 100 999 ns/op\n"),
	} {
		h := readAll(t, files{{Name: "a.txt", Data: data}})
		if len(h.Problems) > 0 || !reflect.DeepEqual(h.Nights, want.Nights) {
			t.Errorf("%s: %d nights, %v\n%+v\nwant\n%+v", name, len(h.Nights), h.Problems, h.Nights, want.Nights)
		}
	}
	h := readAll(t, files{{Name: "a.txt", Data: append([]byte(foreign), wide(foreign, binary.LittleEndian)...)}})
	if len(h.Nights) != 1 || !says(h.Problems, "a.txt", "line 15", "UTF-16") {
		t.Errorf("in part UTF-16: %d nights, %v", len(h.Nights), h.Problems)
	}
}

func TestDates(t *testing.T) {
	want := time.Date(2026, 11, 27, 3, 41, 29, 0, time.UTC)
	for _, s := range []string{
		"2026-11-27T03:41:29Z", "2026-11-27T04:41:29+01:00", "1795750889", "1795750889 +0100", "Fri Nov 27 04:41:29 2026 +0100",
		"2026-11-27 04:41:29 +0100", "Fri, 27 Nov 2026 04:41:29 +0100", "2026-11-27T03:41:29",
		"2026-11-26T22:41:29-0500", "20261127T034129", "2026-11-27T03:41:29.000+00:00",
	} {
		if got, err := parseDate(s); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if got, err := parseDate("2026-11-27"); err != nil || !got.Equal(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "yesterday", "-5", "99999999999999999", "2026-13-01"} {
		if got, err := parseDate(s); err == nil {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestForeignUnusable(t *testing.T) {
	utf16 := []byte("B\x00e\x00n\x00c\x00h\x00\n")
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"no commit":  {[]byte(strings.Replace(foreign, "commit: 1111111111\n", "", 1)), "commit: "},
		"no date":    {[]byte(strings.Replace(foreign, "date: 2026-11-02T03:00:00+01:00\n", "", 1)), "date: "},
		"bad date":   {[]byte(strings.Replace(foreign, "2026-11-02T03:00:00+01:00", "yesterday", 1)), "yesterday"},
		"empty":      {nil, "empty"},
		"prose":      {[]byte("There is nothing here.\n"), "no benchmark results"},
		"binary":     {[]byte{0x7f, 'E', 'L', 'F', 0, 1, 2, 0xff, '\n'}, "not text"},
		"UTF-16":     {utf16, "UTF-16"},
		"broken":     {[]byte("# night {\"night\":\n# point {}\nBenchmarkX 1 2 ns/op\n"), "# night"},
		"no time":    {[]byte("# night {\"commit\":\"abc\"}\n"), "no time"},
		"unreadable": {nil, "permission"},
	} {
		f := File{Name: "a.txt", Data: c.data}
		if name == "unreadable" {
			f.Err = os.ErrPermission
		}
		h := readAll(t, files{f})
		if len(h.Nights) > 0 || !says(h.Problems, "a.txt", c.says) {
			t.Errorf("%s: %d nights, %v; want it to say %q", name, len(h.Nights), h.Problems, c.says)
		}
	}
}

func TestGarbageIsNamedBriefly(t *testing.T) {
	h := readAll(t, files{{Name: "a.txt", Data: bytes.Repeat([]byte("Benchmark x y z\n"), 5000)}})
	if len(h.Problems) != mostProblems+1 || !says(h.Problems, "a.txt", "4980 problems more") {
		t.Errorf("%d problems: %v", len(h.Problems), h.Problems)
	}
}

// x/perf's reader gives up at a line of 64 KB, with all that follows it.
func TestHugeLines(t *testing.T) {
	huge := strings.Repeat("x", 3<<20)
	text := strings.Replace(foreign, "noise between\n", "Benchmark"+huge+"\n"+huge+"\n", 1)
	h := readAll(t, files{{Name: "a.txt", Data: []byte(text)}})
	if len(h.Nights) != 1 || len(h.Nights[0].Points) != 4 || len(h.Nights[0].Points[0].Tip) != 2 {
		t.Fatalf("%v", h.Problems)
	}
	if !slices.ContainsFunc(h.Problems, func(p Problem) bool { return p.Line == 9 }) {
		t.Errorf("line 9 is not named: %v", h.Problems)
	}
	// Comments of other tools that are as long do no harm to a night of ours.
	ours := slices.Concat([]byte("# "+huge+"\n"), encoded(t, sample(1)))
	if h := readAll(t, files{{Name: "a.txt", Data: ours}}); len(h.Nights) != 1 || len(h.Nights[0].Points) != len(sample(1).Points) {
		t.Errorf("%v", h.Problems)
	}
}

func TestReadFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("2026/11/b.bench", encoded(t, sample(2)))
	write("a.txt", encoded(t, sample(3)))
	write(".c.txt.tmp", encoded(t, sample(4)))
	write(".d.txt", encoded(t, sample(5)))
	write(".git/e.txt", encoded(t, sample(6)))
	write("README.md", []byte("nothing"))
	write("z/README.txt", []byte("nothing\n"))
	write("confirmed-x.json", []byte(`{"confirmed":"2026-11-27T03:41:29Z","from":"a","to":"b","steps":3}`))
	write("confirmed-y.json", []byte(`{"confirmed":`))
	store, err := Open(dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	h := readAll(t, store)
	if len(h.Nights) != 2 || h.Nights[0].File != filepath.Join(dir, "2026", "11", "b.bench") || h.Nights[1].Commit != sample(3).Commit {
		t.Errorf("%d nights", len(h.Nights))
	}
	if len(h.Confirmations) != 1 || h.Confirmations[0].Steps != 3 {
		t.Errorf("%+v", h.Confirmations)
	}
	if len(h.Problems) != 2 || !says(h.Problems, filepath.Join(dir, "confirmed-y.json"), "not a confirmation") || !says(h.Problems, filepath.Join(dir, "z", "README.txt"), "no benchmark results") {
		t.Errorf("%v", h.Problems)
	}
}

func TestReadNothing(t *testing.T) {
	store, err := Open(filepath.Join(t.TempDir(), "none"), ".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(store); !errors.Is(err, ErrNone) {
		t.Errorf("%v, want ErrNone", err)
	}
}

func FuzzRead(f *testing.F) {
	small := sample(1)
	small.Points = small.Points[3:6]
	text := encoded(f, small)
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add([]byte(foreign))
	f.Add([]byte{0, 1, 2})
	f.Add([]byte("# night {\"night\":\"2026-11-27T03:41:29Z\",\"commit\":\"a\"}\n# point {\"values\":[0,0]}\n# end {\"points\":1}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Without Read's goroutines, whose order the fuzzer would take for something new.
		p := parseFile(File{Name: "a.txt", Data: data})
		if len(p.nights) == 0 && len(p.problems) == 0 {
			t.Fatal("a file of which nothing is used is not named")
		}
		if p := parseFile(File{Name: "confirmed-a.json", Data: data}); p.confirmation == nil && len(p.problems) != 1 {
			t.Fatal("a confirmation that is not used is not named")
		}
		h := &History{}
		h.takeOnce(p.nights)
		for _, n := range h.Nights {
			if n.Started.IsZero() || n.Commit == "" {
				t.Fatalf("a night without a time or a commit: %+v", n)
			}
			for _, p := range n.Points {
				if slices.ContainsFunc(append(p.Tip, p.Baseline...), func(v float64) bool { return !finite(v) }) {
					t.Fatalf("%+v", p)
				}
			}
		}
		Events(Series(h.Nights), nil)
	})
}

// BenchmarkRead is of 50 nights of 1,000 benchmarks, by another tool and by the gate with 10 trials a side.
func BenchmarkRead(b *testing.B) {
	noise := noisy(1, 0.01)
	raw := rawNights(50, 1000, "ns/op", func(night, benchmark int) float64 { return float64(100*(benchmark+1)) * noise() })
	var others, ours files
	for _, n := range raw {
		text := "commit: " + n.Commit + "\ndate: " + n.Started.Format(time.RFC3339) + "\npkg: p\n"
		for i := range n.Points {
			p := &n.Points[i]
			text += fmt.Sprintf("Benchmark%s-2\t1000\t%.1f ns/op\n", p.Benchmark, p.Tip[0])
			p.Baseline, p.Tip = slices.Repeat([]float64{p.Tip[0]}, 10), slices.Repeat(p.Tip, 10)
			p.Ratio, p.Lo, p.Hi, p.Verdict = ptr(noise()), ptr(0.99), ptr(1.01), "same"
		}
		n.Baseline = "base"
		others = append(others, File{Name: n.Commit + ".txt", Data: []byte(text)})
		ours = append(ours, File{Name: n.Commit + ".txt", Data: encoded(b, n)})
	}
	for name, src := range map[string]files{"others": others, "ours": ours} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src) * len(src[0].Data)))
			for b.Loop() {
				if h, err := Read(src); err != nil || len(h.Nights) != len(raw) || len(h.Problems) > 0 {
					b.Fatal(err, h.Problems)
				}
			}
		})
	}
}

func TestConfirmationWithoutVerdict(t *testing.T) {
	const text = `{"confirmed":"2026-11-02T03:00:00Z","from":"a","to":"b","verdict":"`
	if p := parseFile(File{Name: "confirmed-a.json", Data: []byte(text + `worse"}`)}); p.confirmation == nil || len(p.problems) > 0 {
		t.Errorf("worse: %v", p.problems)
	}
	if p := parseFile(File{Name: "confirmed-a.json", Data: []byte(text + `faster"}`)}); p.confirmation != nil || !says(p.problems, "confirmed-a.json", `"faster" is no verdict`) {
		t.Errorf("faster: %v", p.problems)
	}
}
