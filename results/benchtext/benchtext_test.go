package benchtext

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

const text = "goos: linux\r\npkg: example.org/µ\nBenchmarkX-2 \t 100 \t 412 ns/op\n"

// wideBytes writes s in UTF-16.
func wideBytes(s string, little bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if little {
			out = append(out, byte(u), byte(u>>8))
		} else {
			out = append(out, byte(u>>8), byte(u))
		}
	}
	return out
}

func TestDecode(t *testing.T) {
	for name, data := range map[string][]byte{
		"UTF-8":             []byte(text),
		"UTF-8, marked":     []byte("\ufeff" + text),
		"LE":                wideBytes(text, true),
		"BE":                wideBytes(text, false),
		"LE, marked":        wideBytes("\ufeff"+text, true),
		"BE, marked":        wideBytes("\ufeff"+text, false),
		"LE, marked, short": wideBytes("\ufeffé\n", true),
	} {
		want := text
		if strings.HasSuffix(name, "short") {
			want = "é\n"
		}
		for range 2 { // what is decoded stays as it is
			got, err := Decode(data)
			if err != nil || string(got) != want {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			data = got
		}
	}
}

func TestDecodeJoined(t *testing.T) {
	for name, data := range map[string][]byte{
		"UTF-8": []byte("\ufeff" + text + "\ufeff" + text),
		"LE":    wideBytes("\ufeff"+text+"\ufeff"+text, true),
		"BE":    wideBytes("\ufeff"+text+"\ufeff"+text, false),
	} {
		if got, err := Decode(data); err != nil || string(got) != text+text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Nothing is copied that needs no change, and nothing within a line is taken away.
func TestDecodeLeavesAlone(t *testing.T) {
	for _, s := range []string{"", "B", text, "a: \ufeff\n", "caf\xe9\n"} {
		got, err := Decode([]byte(s))
		if err != nil || string(got) != s {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
}

func TestNotText(t *testing.T) {
	joined := append([]byte(text), wideBytes(text, true)...)
	long := append([]byte("commit: 1111111\ndate: 2026-11-02\n"), wideBytes(strings.Repeat(text, 100), false)...)
	for name, data := range map[string][]byte{
		"program":          {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 62, 0},
		"zeros":            make([]byte, 100),
		"one zero":         []byte(text + "\x00\n"),
		"UTF-8 and UTF-16": joined,
		"UTF-8 and a long": long,
		"UTF-16 and UTF-8": append(wideBytes("\ufeff"+text, true), text...),
		"UTF-32":           bytes.Join([][]byte{{0xff, 0xfe, 0, 0}, {'B', 0, 0, 0}, {'\n', 0, 0, 0}}, nil),
	} {
		if got, err := Decode(data); !errors.Is(err, ErrNotText) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := Decode(wideBytes(text, true)[:41]); err == nil || !strings.Contains(err.Error(), "UTF-16 and ends within a character") {
		t.Errorf("cut: %q, %v", got, err)
	}
}

func TestCutOff(t *testing.T) {
	const before = "pkg: p\nBenchmarkX-2 100 412 ns/op 7 p99-ns 3 p99\nUnit req/s better=higher\nUnit \nBenchmarkY 1 1 queue-length\n"
	for last, cut := range map[string]bool{
		"":                                  false,
		"PASS":                              false,
		"BenchmarkX-2":                      false,
		"BenchmarkX-2 100":                  false,
		"BenchmarkX-2 100 41":               false, // a syntax error
		"BenchmarkX-2 100 412 n":            true,
		"BenchmarkX-2 100 412 ns/o":         true,
		"BenchmarkX-2 100 412 ns/op":        false,
		"BenchmarkX-2 100 412 ns/op\r":      false,
		"BenchmarkX-2 100 412 ns/op 7":      false,
		"BenchmarkX-2 100 412 ns/op 7 p99-": true,
		"BenchmarkX-2 100 412 ns/op 7 p99":  false, // is a unit, too
		"BenchmarkX-2 100 412 ns/op 7 p50":  false,
		"BenchmarkX-2\t100\t9 B":            true,
		"BenchmarkY 1 1 queue-len":          true,
		"BenchmarkY 1 1 q":                  true,
		"BenchmarkY 1 1 re":                 true,
		"BenchmarkY 1 1 better=":            false,
		"BenchmarkY 1 1 z":                  false,
		"BenchmarkY 1 1 queue-length-more":  false,
	} {
		want := len(before) + len(last)
		if cut {
			want = len(before)
		}
		if got := CutOff([]byte(before + last)); got != want {
			t.Errorf("%q: %d, want %d", last, got, want)
		}
	}
	if got := CutOff([]byte("BenchmarkX 1 2 ns/op")); got != 20 {
		t.Errorf("one line: %d", got)
	}
}
