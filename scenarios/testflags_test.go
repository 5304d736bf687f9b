package scenarios

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseTestFlags(t *testing.T) {
	for _, c := range []struct{ words, build, test, args, packages string }{
		{"", "", "", "", ""},
		{"./codec ./...", "", "", "", "./codec ./..."},
		{"-short", "", "-test.short=true", "", ""},
		{"-short=false ./x", "", "-test.short=false", "", "./x"},
		{"-test.short", "", "-test.short=true", "", ""},
		{"--short", "", "-test.short=true", "", ""},
		{"-tags x ./a", "-tags=x", "", "", "./a"},
		{"-tags=x,y -race", "-tags=x,y -race=true", "", "", ""},
		{"-count=1 -short", "", "-test.short=true", "", ""},
		{"-timeout 20m", "", "-test.timeout=20m", "", ""},
		{"-cpu 4", "", "-test.cpu=4", "", ""},
		{"-ldflags=-X=main.v=1", "-ldflags=-X=main.v=1", "", "", ""},
		{"-data=big ./a -other", "", "-data=big -other", "", "./a"},
		{"-benchmem -vet off ./a", "", "", "", "./a"},
		{"./a -short -args -x=1 ./b -short", "", "-test.short=true", "-x=1 ./b -short", "./a"},
		{"-args", "", "", "", ""},
	} {
		f, packages, err := ParseTestFlags(strings.Fields(c.words))
		if err != nil {
			t.Errorf("%q: %v", c.words, err)
		}
		for what, x := range map[string]struct {
			got  []string
			want string
		}{"build": {f.Build, c.build}, "test": {f.Test, c.test}, "args": {f.Args, c.args}, "packages": {packages, c.packages}} {
			if !slices.Equal(x.got, strings.Fields(x.want)) {
				t.Errorf("%q: %s %q, want %q", c.words, what, x.got, x.want)
			}
		}
		again, _, err := ParseTestFlags(f.All())
		if err != nil || !slices.Equal(again.All(), f.All()) {
			t.Errorf("%q: once more it is %q, %v", c.words, again.All(), err)
		}
	}
	for words, says := range map[string]string{
		"-bench=X": "--bench", "-run .": "tests", "-benchtime=5s": "plan", "-count 10": "plan", "-v": "read", "-json": "read", "-cover": "another program",
		"-cpuprofile=x": "--profile", "-cpu=1,4": "one number", "-cpu=x": "one number", "-cpu": "without a value", "-tags": "without a value", "-short=perhaps": "true or false",
		"-exec=qemu": "as it is",
	} {
		if _, _, err := ParseTestFlags(strings.Fields(words)); !errors.Is(err, ErrTestFlag) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", words, err, says)
		}
	}
}

// A scenario that nobody wrote has no file and no line in what is said of it.
func TestGeneratedNamesNoFile(t *testing.T) {
	for _, source := range []string{
		"question = \"?\"\n[bench]\ndir = \".\"\n[metrics]\nprimary = [\"mgas/s\"]\n[[variant]]\nname = \"a\"\nbase = true\n[[variant]]\nname = \"b\"\n",
		"question = \"?\"\nnonsense = 1\n[bench]\ndir = \".\"\n[[variant]]\nname = \"a\"\nbase = true\n[[variant]]\nname = \"b\"\n",
		"question = \"?\"\n[bench]\ndir = \".\"\nflags = [\"-bench=X\"]\n[[variant]]\nname = \"a\"\nbase = true\n[[variant]]\nname = \"b\"\n",
	} {
		_, err := ParseGenerated("compare-x", "compare of ./x", []byte(source))
		if err == nil || strings.Contains(err.Error(), ".toml") || !strings.HasPrefix(err.Error(), "compare of ./x") {
			t.Errorf("%v", err)
		}
	}
	good := "question = \"?\"\n[bench]\ndir = \".\"\n[[variant]]\nname = \"a\"\nbase = true\n[[variant]]\nname = \"b\"\n"
	s, err := ParseGenerated("compare-x", "compare of ./x", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{s.Position("bench.run"), s.VariantPosition("b", "select"), s.VariantPosition("b", "")} {
		if got != "compare of ./x" {
			t.Errorf("%q", got)
		}
	}
}
