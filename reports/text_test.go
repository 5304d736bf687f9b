package reports

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"tunelab/reports/internal/plain"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares got with testdata/<name of the test>, or writes it there.
func checkGolden(t *testing.T, ext string, got []byte) {
	t.Helper()
	name := regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.Name(), "-")
	path := filepath.Join("testdata", name+ext)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with: go test ./reports -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s; see how with: go test ./reports -update; git diff\n%s", path, got)
	}
}

func TestText(t *testing.T) {
	for _, f := range fixtures() {
		s := f.summary
		for _, width := range []int{80, 120} {
			t.Run(fmt.Sprintf("%s at %d", f.name, width), func(t *testing.T) {
				var out bytes.Buffer
				if err := Text(&out, s, TextOptions{Width: width}); err != nil {
					t.Fatal(err)
				}
				checkText(t, out.String(), width)
				checkGolden(t, ".txt", out.Bytes())
			})
		}
	}
}

// checkText checks what holds of every text: no line too wide, nothing that moves a cursor.
func checkText(t *testing.T, text string, width int) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("not UTF-8")
	}
	for i, line := range strings.Split(text, "\n") {
		if n := plain.Width(line); n > width {
			t.Errorf("line %d takes %d columns of %d: %s", i+1, n, width, line)
		}
		if strings.ContainsAny(line, "\x1b\r\x00\x07\u202e\u2066") {
			t.Errorf("line %d holds a control character: %q", i+1, line)
		}
		if strings.Contains(line, "NaN") || strings.Contains(line, "%!") {
			t.Errorf("line %d: %s", i+1, line)
		}
	}
}
