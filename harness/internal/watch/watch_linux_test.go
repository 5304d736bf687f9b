package watch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func make1(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
		t.Fatal(err)
	}
}

// TestTouched: what is opened, listed, mapped or read by a child is seen; what is beside it, or is only asked for, is not.
func TestTouched(t *testing.T) {
	read := func(name string) func(dir string) {
		return func(dir string) { os.ReadFile(filepath.Join(dir, name)) }
	}
	for _, row := range []struct {
		name  string
		watch string
		do    func(dir string)
		want  string // how the first thing touched ends; "" for nothing
	}{
		{"a file that is read", "data/a.txt", read("data/a.txt"), "a.txt"},
		{"its neighbour", "data/a.txt", read("data/b.txt"), ""},
		{"a file that is only asked for", "data/a.txt", func(dir string) { os.Stat(filepath.Join(dir, "data", "a.txt")) }, ""},
		{"through a link", "data/a.txt", read("link"), "a.txt"},
		{"by a hard link", "data/a.txt", read("hard"), "a.txt"},
		{"a child of ours", "data/a.txt", func(dir string) { exec.Command("cat", filepath.Join(dir, "data/a.txt")).Run() }, "a.txt"},
		{"opened and mapped", "data/a.txt", func(dir string) {
			fd, err := syscall.Open(filepath.Join(dir, "data", "a.txt"), syscall.O_RDONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(fd)
			if text, err := syscall.Mmap(fd, 0, 3, syscall.PROT_READ, syscall.MAP_PRIVATE); err == nil {
				syscall.Munmap(text)
			}
		}, "a.txt"},
		{"its folder listed", "data/a.txt", func(dir string) { os.ReadDir(filepath.Join(dir, "data")) }, "data"},
		{"its folder, by a pattern", "data/a.txt", func(dir string) { filepath.Glob(filepath.Join(dir, "data", "*")) }, "data"},
		{"the folder of one that is not there", "data/new/c.txt", func(dir string) { os.ReadDir(filepath.Join(dir, "data")) }, "data"},
		{"the neighbour of one that is not there", "data/new/c.txt", read("data/a.txt"), ""},
		{"one that was not there", "data/new.txt", func(dir string) {
			os.WriteFile(filepath.Join(dir, "data", "new.txt"), nil, 0o666)
		}, "new.txt"},
		{"deep in a folder", "deep", read("deep/x/y/z.txt"), "z.txt"},
		{"a folder in a folder listed", "deep", func(dir string) { os.ReadDir(filepath.Join(dir, "deep", "x")) }, "x"},
		{"beside a folder", "deep", read("data/a.txt"), ""},
		{"nothing", "data/a.txt", func(string) {}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			make1(t, filepath.Join(dir, "data", "a.txt"), "abc")
			make1(t, filepath.Join(dir, "data", "b.txt"), "abc")
			make1(t, filepath.Join(dir, "deep", "x", "y", "z.txt"), "abc")
			if err := errors.Join(os.Symlink("data/a.txt", filepath.Join(dir, "link")), os.Link(filepath.Join(dir, "data", "a.txt"), filepath.Join(dir, "hard"))); err != nil {
				t.Fatal(err)
			}
			w, err := New(100)
			if err == nil {
				err = w.Add(filepath.Join(dir, filepath.FromSlash(row.watch)))
			}
			if err != nil {
				t.Fatal(err)
			}
			row.do(dir)
			got, err := w.Touched()
			if err != nil {
				t.Fatal(err)
			}
			if (row.want == "") != (len(got) == 0) || row.want != "" && !strings.HasSuffix(got[0], row.want) {
				t.Errorf("touched %q, want %q", got, row.want)
			}
		})
	}
}

func TestTooMany(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/f", "b/f", "c/f", "d/f"} {
		make1(t, filepath.Join(dir, name), "x")
	}
	w, err := New(3)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(dir); !errors.Is(err, ErrTooMany) {
		t.Errorf("%v", err)
	}
	if _, err := w.Touched(); err != nil {
		t.Error(err)
	}
}
