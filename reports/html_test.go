package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var pages = flag.String("pages", "", "write the pages of TestHTML into this folder, to look at them in a browser")

// maxOrdinaryPage is how large the page of an ordinary run may become.
const maxOrdinaryPage = 1_500_000

func TestHTML(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			s := f.summary
			var out bytes.Buffer
			if err := HTML(&out, s); err != nil {
				t.Fatal(err)
			}
			if *pages != "" {
				if err := os.WriteFile(filepath.Join(*pages, f.name+".html"), out.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if out.Len() > maxOrdinaryPage {
				t.Errorf("the page takes %d bytes", out.Len())
			}
			checkPage(t, out.Bytes())
			checkOrder(t, out.String(), s)
		})
	}
}

// wanted are the elements of a page. Anything else would have come in with a name.
var wanted = strings.Fields(`html head meta title style body main header nav a h1 h2 h3 p ul ol li span strong br section
	button div table caption thead tbody tr th td details summary dl dt dd pre code figure figcaption svg g text path wbr`)

// checkPage checks that the page stands alone, holds only what the templates put there, and is nested rightly.
func checkPage(t *testing.T, page []byte) {
	t.Helper()
	own := "<script>" + script + "</script>"
	if n := bytes.Count(page, []byte(own)); n != 1 {
		t.Errorf("the page has its script %d times", n)
	}
	page = bytes.Replace(page, []byte(own), nil, 1)
	decoder := xml.NewDecoder(bytes.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, append(slices.Clone(xml.HTMLAutoClose), "wbr"), xml.HTMLEntity
	pictures, told := 0, 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !slices.Contains(wanted, start.Name.Local) {
			t.Errorf("the page holds <%s>", start.Name.Local)
		}
		if start.Name.Local == "svg" {
			pictures++
		}
		for _, a := range start.Attr {
			name := a.Name.Local
			switch {
			case strings.HasPrefix(name, "on"), name == "src", name == "style" && strings.Contains(a.Value, "url"):
				t.Errorf("<%s> has %s=%q", start.Name.Local, name, a.Value)
			case name == "href" && !strings.HasPrefix(a.Value, "#"):
				t.Errorf("the page refers to %q", a.Value)
			case name == "aria-label" && start.Name.Local == "svg" && a.Value != "":
				told++
			}
		}
	}
	if pictures != told {
		t.Errorf("%d of %d pictures are told in words", told, pictures)
	}
	if bad := regexp.MustCompile(`NaN|%!|&lt;nil&gt;|ZgotmplZ|@import|url\(`).Find(page); bad != nil {
		t.Errorf("the page holds %q", bad)
	}
}

// checkOrder checks that the question is the title, the answer under it, and the rest in the order that was promised.
func checkOrder(t *testing.T, page string, s *Summary) {
	t.Helper()
	at := 0
	for _, part := range []string{"<h1>", `class="answer"`, `id="claims"`, `id="results"`, `id="evidence"`, `id="outcomes"`, `id="plan"`, `id="machine"`, `id="commands"`} {
		i := strings.Index(page, part)
		switch {
		case i < 0 && part == `id="claims"` && len(s.Claims) == 0:
		case i < 0 && (part == `id="results"` || part == `id="evidence"`) && len(s.Comparisons) == 0:
		case i < at:
			t.Errorf("%s stands at %d, behind what follows it or not at all", part, i)
		default:
			at = i
		}
	}
}

// FuzzHTML puts a hostile text wherever a file can have one.
func FuzzHTML(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name)
	}
	f.Add("{{.}}</style><!-- --></title><textarea>")
	f.Add("\" onload=alert(1) x='")
	f.Fuzz(func(t *testing.T, s string) {
		hostile := "qz" + s + "zq"
		file := hostileFile(hostile)
		summary := Summarize(file)
		var page, index, markdown, text, object bytes.Buffer
		for _, err := range []error{
			HTML(&page, summary), Index(&index, []*Summary{summary}, []string{"run/" + strings.ToValidUTF8(s, "?")}),
			Markdown(&markdown, summary), Text(&text, summary, TextOptions{Width: 80}), JSON(&object, []*Summary{summary}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		checkPage(t, page.Bytes())
		checkText(t, text.String(), 80)
		if strings.ContainsAny(s, `<>"&'`) && (strings.Contains(page.String(), hostile) || strings.Contains(index.String(), hostile)) {
			t.Errorf("%q stands in a page as it is", hostile)
		}
	})
}

func TestIndex(t *testing.T) {
	older, newer := Summarize(everyVerdict()), Summarize(unfinished())
	newer.File.Run.Started = newer.File.Run.Started.AddDate(0, 0, 1)
	var out bytes.Buffer
	if err := Index(&out, []*Summary{older, newer}, []string{"a/b.html", "javascript:alert(1)"}); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{"2 runs", `href="a/b.html"`, "AMD EPYC, 2 cores", "1 better", "Unfinished: 59 trials", "2026-01-03 03:04 UTC"} {
		if !strings.Contains(page, want) {
			t.Errorf("the index lacks %q", want)
		}
	}
	if strings.Index(page, "2026-01-03") > strings.Index(page, "2026-01-02 03:04") {
		t.Error("the newest run does not come first")
	}
	if strings.Contains(page, "javascript:") {
		t.Error("a link runs a script")
	}
	out.Reset()
	if err := Index(&out, nil, nil); err != nil || !strings.Contains(out.String(), "There is no run yet") {
		t.Errorf("an empty index: %v", err)
	}
	if err := Index(&out, []*Summary{older}, nil); err == nil {
		t.Error("a link too few is no error")
	}
}

func TestWriteErrors(t *testing.T) {
	s := Summarize(everyVerdict())
	for name, err := range map[string]error{
		"text": Text(failingWriter{}, s, TextOptions{}), "markdown": Markdown(failingWriter{}, s), "json": JSON(failingWriter{}, []*Summary{s}),
		"html": HTML(failingWriter{}, s), "index": Index(failingWriter{}, []*Summary{s}, []string{""}),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: a full disk gives %v", name, err)
		}
	}
}
