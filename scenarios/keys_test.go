package scenarios

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

const rich = `question = "What?"
parts = ["more"]
[bench]
dir = "."
cores = "split"
[subject]
dir = "srv"
[matrix]
base = "GOGC=100+GOMEMLIMIT=90%"
env = { GODEBUG = "gctrace=1" }
limits = { memory = "512MiB", cpus = 1.5 }
allow = ["oom"]
[[matrix.axis]]
name = "GOGC"
values = ["100", "off"]
[[matrix.axis]]
name = "GOMEMLIMIT"
values = ["90%", ""]
[[variant]]
name = "same"
pgo = "Put"
rewrite = [{ module = "example.com/m", file = "a/b.go", old = "x", new = "y" }]
[[variant]]
name = "placebo"
pgo = { dir = "../other", run = "Bench" }
[[figure]]
kind = "pareto"
title = "T"
case = "C"
metrics = ["ns/op", "B/op"]
`

func parseRich(t *testing.T, replace ...string) (*Scenario, error) {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(rich)
	if len(replace) > 0 && text == rich {
		t.Fatalf("%q is not in the file", replace)
	}
	return Parse("dir/f.toml", []byte(text))
}

func TestKeys(t *testing.T) {
	s, err := parseRich(t)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range s.Variants {
		names = append(names, v.Name)
	}
	if want := []string{"same", "placebo", "GOGC=100+GOMEMLIMIT=90%", "GOGC=100", "GOGC=off+GOMEMLIMIT=90%", "GOGC=off"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	base := s.Base()
	if want := (map[string]string{"GOGC": "100", "GOMEMLIMIT": "483183820", "GODEBUG": "gctrace=1"}); !maps.Equal(base.Environment(), want) {
		t.Errorf("the base's environment is %q", base.Environment())
	}
	if want := (map[string]string{"GOGC": "100", "GOMEMLIMIT": "90%"}); !maps.Equal(base.Axes, want) {
		t.Errorf("the base's axes are %q", base.Axes)
	}
	if v, _ := s.Variant("GOGC=off"); !maps.Equal(v.Environment(), map[string]string{"GOGC": "off", "GODEBUG": "gctrace=1"}) || v.Limits.Memory != 512<<20 || v.Limits.CPUs != 1.5 || v.Allow[0] != "oom" {
		t.Errorf("%+v", v)
	}
	same, _ := s.Variant("same")
	if !same.PGO.Trains("Put") || !same.PGO.Trains("Put/n=1") || same.PGO.Trains("Putter") || same.Rewrite[0].Module != "example.com/m" {
		t.Errorf("%+v", same)
	}
	placebo, _ := s.Variant("placebo")
	if placebo.PGO.Dir != "other" || placebo.PGO.Run != "Bench" || placebo.PGO.Trains("Bench") {
		t.Errorf("%+v", placebo.PGO)
	}
	if !s.HasSubject() || s.SubjectDir() != "dir/srv" || s.PartPaths()[0] != "dir/more.toml" || !slices.Equal(s.RewrittenModules(), []string{"example.com/m"}) {
		t.Errorf("%q, %q, %q", s.SubjectDir(), s.PartPaths(), s.RewrittenModules())
	}
	for text, want := range map[string]string{
		same.Sets():    "PGO trained on Put, rewritten example.com/m/a/b.go",
		placebo.Sets(): "PGO trained on Bench of other",
		base.Sets():    "GODEBUG=gctrace=1, GOGC=100, GOMEMLIMIT=90%, memory limit 512MiB, CPU limit 1.5",
	} {
		if text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
	if got, want := s.VariantPosition("same", "rewrite"), "dir/f.toml:22"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := s.VariantPosition("GOGC=off", "env"), "dir/f.toml:10"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBadKeys(t *testing.T) {
	for _, row := range []struct{ name, old, new, want string }{
		{"split without subject", "[subject]\ndir = \"srv\"", "", `f.toml:5: cores is "split": a benchmark without a [subject]`},
		{"cores", `"split"`, `"half"`, `f.toml:5: cores is "half"`},
		{"package alone", `dir = "srv"`, `package = "srv"`, `f.toml:7: subject.package without subject.dir`},
		{"part that is a path", `"more"`, `"../more"`, `f.toml:2: part "../more"`},
		{"part that is itself", `"more"`, `"f"`, `f.toml:2: part "f"`},
		{"unknown base", `"GOGC=100+GOMEMLIMIT=90%"`, `"GOGC=50"`, `f.toml:9: the matrix makes no variant "GOGC=50"; it makes ["GOGC=100+GOMEMLIMIT=90%"`},
		{"axis without values", `values = ["100", "off"]`, "values = []", "f.toml:13: an axis needs a name and values"},
		{"percent without limit", `limits = { memory = "512MiB", cpus = 1.5 }`, "", `GOMEMLIMIT is "90%" of a memory limit that the variant does not set`},
		{"percent above 100", `"90%"`, `"190%"`, `GOMEMLIMIT is "190%": a share`},
		{"memory", `"512MiB"`, `"lots"`, `f.toml:11: `},
		{"memory too small", `"512MiB"`, `"1MiB"`, "a memory limit of 1MiB"},
		{"negative cpus", "cpus = 1.5", "cpus = -1", "a CPU limit of -1"},
		{"outcome", `allow = ["oom"]`, `allow = ["slow"]`, `allow "slow"`},
		{"empty pgo", `pgo = "Put"`, `pgo = ""`, "f.toml:21: pgo names nothing"},
		{"pgo of a number", `pgo = "Put"`, `pgo = 1`, "f.toml:21: pgo is 1"},
		{"pgo without run", `, run = "Bench"`, "", "f.toml:25: pgo needs both dir and run"},
		{"unknown key of pgo", `run = "Bench"`, `runs = "Bench"`, "f.toml:25: unknown key or value runs"},
		{"two profiles", `pgo = "Put"`, "pgo = \"Put\"\nflags = [\"-pgo=x\"]", "f.toml:22: both pgo and a -pgo flag"},
		{"rewrite of nothing", `old = "x", `, "", "f.toml:22: a rewrite needs module, file and old"},
		{"rewrite elsewhere", `"a/b.go"`, `"../b.go"`, `f.toml:22: file "../b.go"`},
		{"rewrite without change", `new = "y"`, `new = "x"`, "f.toml:22: a rewrite of a/b.go that changes nothing"},
		{"figure", `"pareto"`, `"pie"`, `f.toml:27: kind "pie"`},
		{"figure without case", `case = "C"`, "", `f.toml:26: a figure of kind "pareto" needs case`},
		{"figure's direction", `"B/op"`, `"X"`, "f.toml:30: nobody knows whether more X is better"},
		{"figure without title", `title = "T"`, "", "f.toml:26: a figure needs a title"},
	} {
		if _, err := parseRich(t, row.old, row.new); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v\nwant %s", row.name, err, row.want)
		}
	}
}

func TestQuickVariants(t *testing.T) {
	s, err := parseRich(t, "[subject]", "[quick]\nvariants = [\"GOGC=100+GOMEMLIMIT=90%\", \"same\"]\n[subject]")
	if err != nil || !s.IsQuick("same") || s.IsQuick("placebo") {
		t.Error(err)
	}
	for _, row := range []struct{ list, want string }{
		{`"same"`, `f.toml:7: the base "GOGC=100+GOMEMLIMIT=90%" is not among them`},
		{`"other"`, `f.toml:7: no variant "other"`},
	} {
		if _, err := parseRich(t, "[subject]", "[quick]\nvariants = ["+row.list+"]\n[subject]"); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v, want %s", err, row.want)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{"1B": 1, "512MiB": 512 << 20, "1.5 GiB": 3 << 29, "2kB": 2000, "1GB": 1e9} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s is %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "512", "MiB", "-1MiB", "0B", "NaNB", "1e30TiB"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
	for b, want := range map[Bytes]string{1: "1B", 1500: "1500B", 2048: "2KiB", 512 << 20: "512MiB", 3 << 30: "3GiB"} {
		if b.String() != want {
			t.Errorf("%d is %s, want %s", int64(b), b, want)
		}
	}
}
