package machine

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asked are the checks whose answer is in no file.
var asked = []string{"clock cost", "clock resolution", "hardware counters", "disk space"}

// TestAllGarbage puts the same nonsense into every file of every machine.
// Nothing may be concluded from it, nor may it reach a terminal or a result.
func TestAllGarbage(t *testing.T) {
	for _, path := range machines(t) {
		for _, garbage := range []string{"", "\n", "\x00\xff\xfe\x1b[31mgarbage", "garbage: [ ( : , - \n\n) ]\n"} {
			t.Run(fmt.Sprintf("%s/%q", filepath.Base(path), garbage), func(t *testing.T) {
				f := open(t, path)
				f.after = func() {}
				for name := range f.disk {
					f.write(name, []byte(garbage))
				}
				for _, c := range f.Checks() {
					if c.State != Unknown && !slices.Contains(asked, c.Name) {
						t.Errorf("%s: %s: %s", c.Name, c.State, c.Found)
					}
				}
				id := f.Identity()
				if id.CPUs != 0 || id.OnlineCPUs != 0 || id.MemoryBytes != 0 ||
					id.CPU+id.BootID+id.Hypervisor+id.Machine != strings.Repeat(unknown, 4) {
					t.Errorf("identity %+v", id)
				}
				if c, err := f.Read(); err == nil {
					t.Errorf("counters %+v", c)
				}
			})
		}
	}
}

// TestOddNumbers puts numbers that are at the edge, or over it, into every file,
// and then in the place of every number of every file.
func TestOddNumbers(t *testing.T) {
	for _, path := range machines(t) {
		f := open(t, path)
		f.after = func() {}
		for _, odd := range []string{"0", "-1", "1", "9223372036854775807", "99999999999999999999", "1e300", "NaN", "0x10"} {
			for name := range f.disk {
				f.write(name, []byte(odd))
			}
			wellFormed(t, f.Checks())
			for _, name := range f.names("root/") {
				words := strings.Fields(string(f.section("root/" + name)))
				for i, w := range words {
					if i > 0 && strings.Trim(w, "0123456789") == "" {
						words[i] = odd
					}
				}
				f.write(name, []byte(strings.Join(words, " ")))
			}
			wellFormed(t, f.Checks())
		}
	}
}

// TestOneFileGarbage breaks one file at a time. A check may then not know, or
// know less, but what it found wrong before must not turn out well.
func TestOneFileGarbage(t *testing.T) {
	for _, path := range machines(t) {
		whole := open(t, path).Checks()
		for name := range open(t, path).disk {
			f := open(t, path)
			garbage := []byte("\x00garbage")
			f.write(name, garbage)
			f.after = func() {
				f.put("after/")
				f.write(name, garbage)
			}
			checks := f.Checks()
			wellFormed(t, checks)
			for k, c := range checks {
				was := whole[k].State
				if (was == Bad || was == Warn) && c.State == OK {
					t.Errorf("%s: with garbage in %s, %s is %s (%s), was %s (%s)",
						filepath.Base(path), name, c.Name, c.State, c.Found, was, whole[k].Found)
				}
			}
		}
	}
}

func machines(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no machines in testdata: %v", err)
	}
	return paths
}
