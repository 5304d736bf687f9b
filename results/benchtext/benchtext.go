// Package benchtext makes the bytes of a benchmark file text that can be read, whatever program wrote it down.
//
// Benchmark files are what go test prints, sent to a file by a shell. PowerShell writes UTF-16 with a byte order mark,
// some editors put a mark before UTF-8 too, and files of both kinds are put behind one another ([Decode]). A last line
// need not have an end, and has none too where a program was killed as it wrote ([CutOff]).
package benchtext

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/text/encoding/unicode"
)

// ErrNotText is in the error about what is no text, or text in no one encoding that is known.
var ErrNotText = errors.New("it is not text in UTF-8 or UTF-16 throughout; write it again as UTF-8")

// mark is the byte order mark in UTF-8.
var mark = []byte("\ufeff")

// Decode returns the text of a file in UTF-8, without byte order marks at the beginnings of lines. UTF-16 is known by its
// mark, or by being ASCII for the most part. Where nothing is to be done, it returns data itself. Zero bytes, which a
// power cut may leave at the end of a file, are [ErrNotText] too, and the text is returned with them.
func Decode(data []byte) ([]byte, error) {
	text := data
	if order, ok := wide(data); ok {
		if at := narrow(data); at >= 0 {
			return nil, fmt.Errorf("it is in UTF-16 up to byte %d and in UTF-8 from there: %w", at, ErrNotText)
		}
		if len(data)%2 != 0 {
			return nil, errors.New("it is in UTF-16 and ends within a character, so that its end is missing; write it again")
		}
		var err error
		if text, err = unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder().Bytes(data); err != nil {
			return nil, fmt.Errorf("reading it as UTF-16: %w; write it again as UTF-8", err)
		}
	}
	text = bytes.TrimPrefix(text, mark)
	if bytes.Contains(text, mark) { // of files that were put behind one another
		text = bytes.ReplaceAll(text, append([]byte("\n"), mark...), []byte("\n"))
	}
	if at := bytes.IndexByte(text, 0); at >= 0 {
		return text, fmt.Errorf("line %d holds a zero byte: %w", 1+bytes.Count(text[:at], []byte("\n")), ErrNotText)
	}
	return text, nil
}

// looked is how many bytes of a file without a mark are looked at.
const looked = 4096

// wide reports whether data is UTF-16, and in which order its bytes are.
func wide(data []byte) (order unicode.Endianness, ok bool) {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	}
	var zeros [2]int // among the first and among the second bytes of pairs
	head := data[:min(len(data), looked)&^1]
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch most := len(head) * 3 / 8; {
	case len(head) == 0:
		return order, false
	case zeros[1] > most && zeros[0] == 0 && head[1] == 0:
		return unicode.LittleEndian, true
	case zeros[0] > most && zeros[1] == 0 && head[0] == 0:
		return unicode.BigEndian, true
	}
	return order, false
}

// narrowRun is how many characters in a row must be two of ASCII to be taken for such: Chinese text has its bytes anywhere.
const narrowRun = 16

// narrow returns where in UTF-16 text begins that is ASCII instead, -1 when there is none: another program went on with the
// file.
func narrow(data []byte) int {
	run := 0
	for i := 0; i+1 < len(data); i += 2 {
		if !ascii(data[i]) || !ascii(data[i+1]) {
			run = 0
		} else if run++; run == narrowRun {
			return i + 2 - 2*narrowRun
		}
	}
	return -1
}

func ascii(b byte) bool { return b >= ' ' && b <= '~' || b == '\t' || b == '\r' || b == '\n' }

// usual are the units that go test prints itself.
var usual = [...]string{"ns/op", "MB/s", "B/op", "allocs/op"}

// CutOff returns how much of a text remains when its last line is left out because it is a result that breaks off within
// its unit: 9 ns/o, or 9 p99-n where other lines have p99-ns. To readers of the format that is another unit. It is all of
// the text where nothing says that something is missing: a line that breaks off elsewhere is a syntax error, or whole.
func CutOff(text []byte) int {
	whole := bytes.LastIndexByte(text, '\n') + 1
	last := bytes.Fields(text[whole:])
	if n := len(last); n < 4 || n%2 != 0 || !bytes.HasPrefix(last[0], []byte("Benchmark")) {
		return len(text)
	}
	unit := last[len(last)-1]
	begun := false
	for _, u := range usual {
		if u == string(unit) {
			return len(text)
		}
		begun = begun || bytes.HasPrefix([]byte(u), unit)
	}
	for line := range bytes.Lines(text[:whole]) {
		for _, u := range units(line) {
			if bytes.Equal(u, unit) {
				return len(text)
			}
			begun = begun || bytes.HasPrefix(u, unit)
		}
	}
	if begun {
		return whole
	}
	return len(text)
}

// units returns the units that a line of results has or declares.
func units(line []byte) (found [][]byte) {
	if bytes.HasPrefix(line, []byte("Unit ")) {
		return bytes.Fields(line)[1:min(2, len(bytes.Fields(line)))]
	}
	if !bytes.HasPrefix(line, []byte("Benchmark")) {
		return nil
	}
	for i, field := range bytes.Fields(line) {
		if i >= 3 && i%2 == 1 {
			found = append(found, field)
		}
	}
	return found
}
