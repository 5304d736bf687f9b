package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const good = `question = "Is b faster than a?"
[bench]
dir = "../x"
run = "Foo"
[metrics]
primary = ["p99-ns", "ns/op"]
better = { "p99-ns" = "lower" }
[[variant]]
name = "a"
base = true
select = "impl=a"
[[variant]]
name = "b"
select = "impl=b"
[[claim]]
id = "1"
says = "b halves p99"
kind = "ratio"
case = "Foo/n=1"
metric = "p99-ns"
variant = "b"
ratio = 0.5
requires = { cores = 16 }
`

func TestGoodFile(t *testing.T) {
	s, err := Parse("dir/foo.toml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "foo" || s.Base().Name != "a" || s.BenchDir() != filepath.Join("dir", "../x") {
		t.Errorf("name %q, base %q, dir %q", s.Name, s.Base().Name, s.BenchDir())
	}
	if s.MarginOf("p99-ns") != DefaultMargin || s.SliceOf("Foo/n=1", false) != DefaultSlice || *s.Claims[0].Tolerance != DefaultTolerance {
		t.Error("defaults are not filled in")
	}
	if got := s.Position("variant[1].select"); got != "dir/foo.toml:14" {
		t.Errorf("position of the second select: %s", got)
	}
}

// Each row replaces one text of the good file and expects an error that says so on the right line.
func TestBadFiles(t *testing.T) {
	for _, row := range []struct{ name, old, new, want string }{
		{"unknown key", "run = \"Foo\"", "rum = \"Foo\"", `f.toml:4: unknown key "bench.rum"`},
		{"unknown table", "[metrics]", "[metric]", `f.toml:5: unknown key "metric`},
		{"no question", "question = \"Is b faster than a?\"", "question = \" \"", "f.toml:1: no question"},
		{"no dir", "dir = \"../x\"", "", "f.toml:2: no bench.dir"},
		{"no base", "base = true", "", "f.toml:8: no variant is the base"},
		{"two bases", "name = \"b\"", "name = \"b\"\nbase = true", "f.toml:14: two bases: \"a\""},
		{"same name", "name = \"b\"", "name = \"a\"", "f.toml:13: a second variant \"a\", the first is on line 8"},
		{"bad name", "name = \"b\"", "name = \"b c\"", "f.toml:13: variant name \"b c\""},
		{"one variant", "[[variant]]\nname = \"b\"\nselect = \"impl=b\"", "", "f.toml:8: 1 variants"},
		{"ratio of zero", "ratio = 0.5", "ratio = 0", "f.toml:22: a ratio of 0"},
		{"negative ratio", "ratio = 0.5", "ratio = -0.5", "f.toml:22: a ratio of -0.5"},
		{"no ratio", "ratio = 0.5", "", "f.toml:15: a claim of kind \"ratio\" needs"},
		{"infinite ratio", "ratio = 0.5", "ratio = inf", "f.toml:22: a ratio of +Inf"},
		{"nan margin", "better =", "margin = nan\nbetter =", "f.toml:7: a margin of NaN"},
		{"margin of 3", "better =", "margin = 3\nbetter =", "f.toml:7: a margin of 3: write a share"},
		{"unknown direction", `better = { "p99-ns" = "lower" }`, "", `f.toml:6: nobody knows whether more p99-ns is better`},
		{"odd direction", `"p99-ns" = "lower"`, `"p99-ns" = "down"`, `f.toml:7: better of "p99-ns" is "down"`},
		{"metric twice", `"p99-ns", "ns/op"`, `"ns/op", "ns/op", "p99-ns"`, `f.toml:6: metric "ns/op" is named twice`},
		{"claim's variant", "variant = \"b\"", "variant = \"c\"", "f.toml:21: no variant \"c\""},
		{"claim on the base", "variant = \"b\"", "variant = \"a\"", "f.toml:21: the claim compares \"a\" with itself"},
		{"claim's metric", "metric = \"p99-ns\"", "metric = \"B/op\"", `f.toml:20: "B/op" is not among`},
		{"claim's kind", "kind = \"ratio\"", "kind = \"rumour\"", `f.toml:18: kind "rumour"`},
		{"requirement", "cores = 16", "gpus = 1", `f.toml:23: requires "gpus"`},
		{"claim twice", "requires =", "[[claim]]\nid = \"1\"\nsays = \"x\"\nkind = \"exists\"\ntest = \"TestX\"\nrequires =", `f.toml:24: a second claim "1"`},
		{"exists without test", "kind = \"ratio\"", "kind = \"exists\"", `f.toml:18: a claim of kind "exists" names the test`},
		{"pattern", "run = \"Foo\"", "run = \"Foo(\"", "f.toml:4: bench.run: error parsing regexp"},
		{"duration", "run = \"Foo\"", "slice = \"200\"", `f.toml:4: `},
		{"slice of an hour", "run = \"Foo\"", "slice = \"1h\"", "f.toml:4: bench.slice is 1h0m0s, not between"},
		{"cores", "run = \"Foo\"", "cores = \"split\"", "f.toml:4: cores is \"split\""},
		{"rename alone", "select = \"impl=b\"", "rename = \"B\"", "f.toml:14: rename without select"},
		{"select of two parts", "select = \"impl=b\"", "select = \"x/impl=b\"", "f.toml:14: select \"x/impl=b\" spans"},
		{"type", "base = true", "base = \"yes\"", "f.toml:10: "},
		{"syntax", "[bench]", "[bench", "f.toml:2: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			if !strings.Contains(good, row.old) {
				t.Fatalf("the good file has no %q", row.old)
			}
			_, err := Parse("f.toml", []byte(strings.Replace(good, row.old, row.new, 1)))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%T is no *Error", err)
			}
		})
	}
}

func TestCase(t *testing.T) {
	for _, row := range []struct {
		v         Variant
		benchmark string
		want      string
		ok        bool
	}{
		{Variant{Select: "impl=a"}, "Foo/impl=a/n=1", "Foo/n=1", true},
		{Variant{Select: "impl=a"}, "Foo/n=1/impl=a", "Foo/n=1", true},
		{Variant{Select: "impl=a"}, "Foo/impl=ab/n=1", "", false},
		{Variant{Select: "Foo"}, "Foo/n=1", "", false}, // the whole benchmark needs rename
		{Variant{}, "Foo/n=1", "Foo/n=1", true},
		{Variant{Select: "FooOld", Rename: "Foo"}, "FooOld/n=1", "Foo/n=1", true},
		{Variant{Select: "FooOld", Rename: "Foo"}, "FooOld", "Foo", true},
		{Variant{Select: "FooOld", Rename: "Foo"}, "FooOlder", "Foo" + "er", false},
	} {
		got, ok := row.v.Case(row.benchmark)
		if ok != row.ok || ok && got != row.want {
			t.Errorf("%+v of %s: %q %v, want %q %v", row.v, row.benchmark, got, ok, row.want, row.ok)
		}
	}
}

func TestSliceOf(t *testing.T) {
	s, err := Parse("f.toml", []byte(strings.Replace(good, "[metrics]", "slice = \"100ms\"\nslices = { \"n=1\" = \"2s\" }\n[quick]\nslice = \"50ms\"\n[metrics]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := s.SliceOf("Foo/n=1", false), s.SliceOf("Foo/n=2", false), s.SliceOf("Foo/n=1", true); a != 2*time.Second || b != 100*time.Millisecond || c != 50*time.Millisecond {
		t.Error(a, b, c)
	}
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := Find("x"); err == nil || !strings.Contains(err.Error(), "no folder ./scenarios") {
		t.Error(err)
	}
	if err := os.Mkdir(Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(Dir, "one.toml"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if path, err := Find("one"); err != nil || path != filepath.Join(Dir, "one.toml") {
		t.Error(path, err)
	}
	if _, err := Find("two"); err == nil || !strings.Contains(err.Error(), "there are: one") {
		t.Error(err)
	}
	if path, err := Find("./x.toml"); err != nil || path != "./x.toml" {
		t.Error(path, err)
	}
}

// TestOurs reads the scenarios that the project has: a file that can't be read should not wait for a user.
func TestOurs(t *testing.T) {
	files, err := filepath.Glob("*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenario files", err)
	}
	for _, f := range files {
		if _, err := Read(f); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, source []byte) {
		s, err := Parse("f.toml", source)
		if (s == nil) == (err == nil) {
			t.Errorf("scenario %v, error %v", s, err)
		}
	})
}
