package reports

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMarkdown(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := Markdown(&out, f.summary); err != nil {
				t.Fatal(err)
			}
			checkMarkdown(t, out.String())
			checkGolden(t, ".md", out.Bytes())
		})
	}
}

// checkMarkdown checks what holds of every comment: it is not too long, and all rows of a table have as many cells.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	if n := utf8.RuneCountInString(text); n > markdownLimit {
		t.Errorf("%d characters", n)
	}
	cells := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := len(regexp.MustCompile(`(^|[^\\])\|`).FindAllString(line, -1))
		if cells == 0 {
			cells = n
		}
		if n != cells {
			t.Errorf("a row has %d bars, the table's head %d: %s", n, cells, line)
		}
	}
}

func TestMarkdownIsCut(t *testing.T) {
	s := *Summarize(everyVerdict())
	for i := range 2000 {
		s.missing = append(s.missing, missingRow{strings.Repeat("case/", i%40+1), "does not fit the budget"})
	}
	var out bytes.Buffer
	if err := Markdown(&out, &s); err != nil {
		t.Fatal(err)
	}
	checkMarkdown(t, out.String())
	if !regexp.MustCompile(`_[0-9]+ lines were left out`).Match(out.Bytes()) || !strings.Contains(out.String(), "benchstat -col") {
		t.Errorf("the end does not tell how much was left out:\n%s", out.String()[out.Len()-1000:])
	}
}

func TestMarkdownEscapes(t *testing.T) {
	for _, c := range []struct{ in, text, code string }{
		{"readers=8", "readers=8", "`readers=8`"},
		{"a|b", `a\|b`, "<code>a&#124;b</code>"},
		{"<img>", `\<img\>`, "<code>&lt;img&gt;</code>"},
		{"`x` *y* _z_", "\\`x\\` \\*y\\* \\_z\\_", "<code>&#96;x&#96; &#42;y&#42; &#95;z&#95;</code>"},
		{"@all", "@<!-- -->all", "`@all`"},
		{`a\|b`, `a\\\|b`, "<code>a&#92;&#124;b</code>"},
		{"https://x.org", `https\://x.org`, "`https://x.org`"},
		{"", "", ""},
	} {
		if got := markdownText(c.in); got != c.text {
			t.Errorf("markdownText(%q) = %q, want %q", c.in, got, c.text)
		}
		if got := markdownCode(c.in); got != c.code {
			t.Errorf("markdownCode(%q) = %q, want %q", c.in, got, c.code)
		}
	}
}
