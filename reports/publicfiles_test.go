package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// publicVar set to "download" has the modules of publicList fetched, and their files compared. CI sets it: the newcomer's
// command needs no module that tunelab itself doesn't.
const publicVar = "TUNELAB_PUBLIC_BENCHMARKS"

// publicList names the files; its first lines say how.
const publicList = "testdata/publicfiles.tsv"

// leastPublic is how many different files of published results have to agree.
const leastPublic = 20

// A publicRow is a row of the list.
type publicRow struct {
	where  string // its file and line
	module string // with its version
	files  []string
}

// readPublicList returns the rows of a list.
func readPublicList(path string) ([]publicRow, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the list of published results: %w", err)
	}
	var rows []publicRow
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s:%d", path, n)
		fields := strings.Split(line, "\t")
		if len(fields) < 2 || len(fields) > 3 || !strings.Contains(fields[0], "@v") {
			return nil, fmt.Errorf("%s: a module with its version and one file or two are wanted, with tabs between: %q", where, line)
		}
		for _, file := range fields[1:] {
			if !filepath.IsLocal(file) {
				return nil, fmt.Errorf("%s: %q leads out of the module", where, file)
			}
		}
		rows = append(rows, publicRow{where, fields[0], fields[1:]})
	}
	return rows, nil
}

// moduleDirs fetches the modules of the rows and returns where each lies.
func moduleDirs(t *testing.T, rows []publicRow) map[string]string {
	t.Helper()
	dirs := map[string]string{}
	for _, row := range rows {
		if dirs[row.module] != "" {
			continue
		}
		var out, problems bytes.Buffer
		cmd := exec.Command("go", "mod", "download", "-json", row.module)
		cmd.Dir = t.TempDir() // outside any module: nothing of tunelab's own can change
		cmd.Env = append(os.Environ(), "GOWORK=off")
		cmd.Stdout, cmd.Stderr = &out, &problems
		err := cmd.Run()
		var got struct{ Dir, Error string }
		if jsonErr := json.Unmarshal(out.Bytes(), &got); err != nil || jsonErr != nil || got.Dir == "" {
			t.Fatalf("%s: fetching %s: %v: %s%s", row.where, row.module, err, got.Error, problems.String())
		}
		dirs[row.module] = got.Dir
	}
	return dirs
}

// sameAsBenchstat compares our table of the files with benchstat's, and returns how many rows benchstat has.
func sameAsBenchstat(t *testing.T, program string, paths ...string) int {
	t.Helper()
	var ours, problems bytes.Buffer
	err := benchstat(&ours, &problems, paths, 4000)
	theirs, theirErr := exec.Command(program, paths...).Output()
	if err != nil || theirErr != nil {
		t.Errorf("%q: we say %v, benchstat says %v", paths, err, theirErr)
		return 0
	}
	got, want := benchRows(ours.String()), benchRows(string(theirs))
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q: we say:\n%s\nbenchstat says:\n%s", paths, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return len(want)
}

// TestBenchstatAgreesOnPublicFiles compares every row of published results, and of our own, with benchstat's: medians,
// their intervals, changes, p and the notes below.
func TestBenchstatAgreesOnPublicFiles(t *testing.T) {
	program, err := exec.LookPath("benchstat")
	if err != nil || os.Getenv(publicVar) != "download" {
		t.Skipf("benchstat is not installed, or $%s is not \"download\"", publicVar)
	}
	rows, err := readPublicList(publicList)
	if err != nil {
		t.Fatal(err)
	}
	dirs := moduleDirs(t, rows)
	agreed := map[[sha256.Size]byte]string{} // by what is in them: one file in two modules is one
	lines := 0
	for _, row := range rows {
		var paths []string
		for _, file := range row.files {
			path := filepath.Join(dirs[row.module], filepath.FromSlash(file))
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%s: %v", row.where, err)
			}
			if other := agreed[sha256.Sum256(text)]; other != "" {
				t.Errorf("%s: %s is the same as %s", row.where, file, other)
			}
			paths = append(paths, path)
			n := sameAsBenchstat(t, program, path)
			if n == 0 {
				t.Errorf("%s: benchstat finds no result in %s", row.where, file)
				continue
			}
			agreed[sha256.Sum256(text)] = file
			lines += n
		}
		if len(paths) == 2 {
			lines += sameAsBenchstat(t, program, paths...)
		}
	}
	if len(agreed) < leastPublic {
		t.Errorf("%d files of published results, want %d", len(agreed), leastPublic)
	}
	own := ownFiles(t)
	for i, path := range own {
		lines += sameAsBenchstat(t, program, path)
		if i > 0 {
			lines += sameAsBenchstat(t, program, own[i-1], path)
		}
	}
	t.Logf("%d published files and %d of our own, %d rows", len(agreed), len(own), lines)
}

// ownFiles are the results that are kept with tunelab.
func ownFiles(t *testing.T) []string {
	t.Helper()
	own, err := filepath.Glob("../results/baseline/*/bench.txt")
	if err != nil || len(own) < 4 {
		t.Fatalf("%d files of our own, want those of four scenarios: %v", len(own), err)
	}
	return own
}

func TestPublicList(t *testing.T) {
	rows, err := readPublicList(publicList)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, row := range rows {
		files += len(row.files)
	}
	if files < leastPublic {
		t.Errorf("%d files are listed, want %d", files, leastPublic)
	}
	for _, bad := range []string{"example.org/m\ta.txt\n", "example.org/m@v1.0.0\n", "example.org/m@v1.0.0\t../a.txt\n", "example.org/m@v1.0.0\ta\tb\tc\n"} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte("# a list\n"+bad), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := readPublicList(path); err == nil || !strings.Contains(err.Error(), path+":2: ") {
			t.Errorf("%q: %v, want an error with its line", bad, err)
		}
	}
}
