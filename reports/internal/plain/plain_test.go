package plain

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"CommitIndex/readers=8", "CommitIndex/readers=8"},
		{"", ""},
		{"tab\tand\nline", "tab and line"},
		{"no\u00a0break", "no break"},
		{"\x1b[31mred\x07\x00", `\x1b[31mred\x07\x00`},
		{"\u202egnp.exe", `\u202egnp.exe`},
		{"\ufeffzero\u200bwidth", `\ufeffzero\u200bwidth`},
		{"tag\U000e0041", `tag\U000e0041`},
		{"\xff\xfe", `\xff\xfe`},
		{"\ufffd", "\ufffd"},
		{"e\u0301", "e\u0301"},
		{"e" + strings.Repeat("\u0300", 5), "e" + strings.Repeat("\u0300", 4) + `\u0300`},
		{"שלום=8", "\u2068שלום=8\u2069"},
		{"\u2068abc\u2069", "abc"},
		{"\u2068\u2068abc\u2069", `\u2068abc`},
		{"界面🚀", "界面🚀"},
	} {
		if got := Clean(c.in); got != c.want {
			t.Errorf("Clean(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := Clean(c.want); got != c.want {
			t.Errorf("cleaning %q again gives %q", c.want, got)
		}
	}
}

func TestCleanLines(t *testing.T) {
	if got, want := CleanLines("panic: x\r\n\tat\x1b y\n\n"), "panic: x\n    at\\x1b y"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestElide(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"short", 5, "short"},
		{"readers=1024", 9, "read…1024"},
		{"readers=1024", 2, "r…"},
		{"readers=1024", 1, "…"},
		{"readers=1024", 0, "…"},
		{"界面界面", 5, "界…面"},
		{"\u2068אבגדה\u2069", 3, "\u2068א…ה\u2069"},
		{"", 0, ""},
	} {
		if got := Elide(c.in, c.n); got != c.want {
			t.Errorf("Elide(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 10, ""},
		{"a few words that wrap", 10, "a few|words that|wrap"},
		{"CommitIndex/readers=8/writers=4", 20, "CommitIndex/|readers=8/writers=4"},
		{"abcdefghij", 4, "abcd|efgh|ij"},
		{"界面界面", 3, "界|面|界|面"},
	} {
		if got := strings.Join(Wrap(c.in, c.n), "|"); got != c.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestPad(t *testing.T) {
	if got := Left("界", 4) + "|" + Right("é", 3) + "|" + Center("ab", 5) + "|" + Left("long", 2); got != "界  |  é| ab  |long" {
		t.Errorf("got %q", got)
	}
}

// FuzzPlain checks what layout depends on: clean text shows every character, and nothing is wider than allowed.
func FuzzPlain(f *testing.F) {
	f.Add("CommitIndex/readers=8", 10)
	f.Add("\x1b[31m\u202e\xffשלום界面🚀e\u0301", 7)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 2 || n > 200 {
			return
		}
		clean := Clean(s)
		if !utf8.ValidString(clean) || Clean(clean) != clean {
			t.Fatalf("Clean(%q) = %q is not clean", s, clean)
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(clean, isolate), endIsolate)
		for _, r := range inner {
			if !unicode.IsPrint(r) {
				t.Fatalf("Clean(%q) = %q holds %U", s, clean, r)
			}
		}
		if got := Elide(clean, n); Width(got) > n {
			t.Fatalf("Elide(%q, %d) = %q takes %d", clean, n, got, Width(got))
		}
		lines := Wrap(clean, n)
		for _, line := range lines {
			if Width(line) > n {
				t.Fatalf("Wrap(%q, %d) has %q, which takes %d", clean, n, line, Width(line))
			}
		}
		if got, want := strings.Join(lines, ""), strings.ReplaceAll(clean, " ", ""); strings.ReplaceAll(got, " ", "") != want {
			t.Fatalf("Wrap(%q, %d) loses text: %q", clean, n, lines)
		}
	})
}
