package reports

import (
	"bytes"
	_ "embed" // the templates and the style sheet are part of the program
	"fmt"
	"html/template"
	"io"
	"strings"

	"tunelab/reports/internal/plain"
)

var (
	//go:embed style.css
	stylesheet string
	//go:embed page.js
	script string
	//go:embed frame.html
	frameText string
	//go:embed page.html
	pageText string
	//go:embed index.html
	indexText string
)

// HTML writes the page of a run: one file without any reference to another, readable without JavaScript, on a
// telephone, in the dark, and on paper.
func HTML(w io.Writer, s *Summary) error {
	view, err := s.page()
	if err != nil {
		return fmt.Errorf("making the page of run %s: %w", s.Name, err)
	}
	return write(w, "run "+s.Name, pageText, view)
}

// functions are what templates call: layout, the style sheet and the script.
var functions = template.FuncMap{
	"marks": marks,
	"super": func(i int) string { return superscript(i + 1) },
	"short": breakable,
	"css":   func() template.CSS { return template.CSS(stylesheet) },
	"js":    func() template.JS { return template.JS(script) },
}

// breakable shortens a name and lets a line end behind its slashes.
func breakable(name string) template.HTML {
	text := template.HTMLEscapeString(plain.Elide(name, maxNameShown))
	return template.HTML(strings.ReplaceAll(text, "/", "/<wbr>"))
}

// bound keeps a number and its percent sign on one line.
func bound(text string) string { return strings.ReplaceAll(text, " %", "\u00a0%") }

// maxNameShown is how much of a name a page shows, but in the plan, which has all of it.
const maxNameShown = 120

// write fills a template and writes it in one piece, so that a failure leaves no half page.
func write(w io.Writer, what, text string, view any) error {
	t, err := template.New("page").Funcs(functions).Parse(frameText + text)
	if err != nil {
		return fmt.Errorf("making the page of %s: %w", what, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, view); err != nil {
		return fmt.Errorf("making the page of %s: %w", what, err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the page of %s: %w", what, err)
	}
	return nil
}
