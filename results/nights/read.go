package nights

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// ErrNone is what reading a folder or a branch that does not exist comes to.
var ErrNone = errors.New("no nights there yet")

// A Source has files that nights are read from.
type Source interface {
	// Files calls use with every file that may hold a night or a confirmation, in any order and one after another. Err of
	// a file says why it could not be read. A source that does not exist is [ErrNone].
	Files(use func(File)) error
}

// A File is what a [Source] has.
type File struct {
	Name string // as messages call it
	Data []byte
	Err  error
}

// maxFile is the largest file that is read, in bytes. A night of 1,000 benchmarks with 50 trials each has about 4 MB.
const maxFile = 256 << 20

// errTooLarge is why a file was not read.
var errTooLarge = fmt.Errorf("it is larger than %d MB, which no night is", maxFile>>20)

// A History is all that a source has.
type History struct {
	Nights        []*Night       // by the time they began
	Confirmations []Confirmation // by the time they were made
	Problems      []Problem      // by file and line
}

// A Problem is a file, or a line of one, that could not be used.
type Problem struct {
	File string
	Line int // from 1; 0 when the whole file is meant
	What string
}

// Error says where and what, as compilers do.
func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.What
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
}

// wanted reports whether a file of that name may hold something of ours. Names that begin with a dot are of writers that
// have not finished, or died.
func wanted(name string) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, ".") {
		return false
	}
	return strings.HasSuffix(base, ".txt") || strings.HasSuffix(base, ".bench") || isConfirmation(base)
}

// isConfirmation also knows names of files in a branch, BRANCH:FILE.
func isConfirmation(name string) bool {
	base := path.Base(name[strings.LastIndexByte(name, ':')+1:])
	return strings.HasPrefix(base, "confirmed-") && strings.HasSuffix(base, ".json")
}

// Read reads all files of a source. It returns an error only when the source itself can't be read ([ErrNone] when it does
// not exist); what is wrong with a file or a line is in Problems.
//
// Of a file without its "# end" the points that are whole are used. A night that is there twice, by its machine, commit and
// time, is used once. Several files of other tools with the same machine, commit and time are parts of one night.
func Read(src Source) (*History, error) {
	read, err := parseAll(src)
	if err != nil {
		return nil, fmt.Errorf("reading nights: %w", err)
	}
	slices.SortFunc(read, func(a, b parsed) int { return strings.Compare(a.name, b.name) })
	h := &History{}
	var found []foundNight
	contents := map[[sha256.Size]byte]string{}
	for _, p := range read {
		first, twice := contents[p.sum]
		if twice && p.readable {
			h.problem(p.name, "has the same content as %s and is left out", first)
			continue
		}
		contents[p.sum] = p.name
		h.Problems = append(h.Problems, p.problems...)
		found = append(found, p.nights...)
		if p.confirmation != nil {
			h.Confirmations = append(h.Confirmations, *p.confirmation)
		}
	}
	h.takeOnce(found)
	slices.SortFunc(h.Nights, byTime)
	slices.SortStableFunc(h.Confirmations, func(a, b Confirmation) int { return a.Made.Compare(b.Made) })
	slices.SortStableFunc(h.Problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return h, nil
}

func byTime(a, b *Night) int {
	return cmp.Or(a.Started.Compare(b.Started), strings.Compare(a.Commit, b.Commit), strings.Compare(a.File, b.File))
}

func (h *History) problem(file, format string, args ...any) {
	h.Problems = append(h.Problems, Problem{File: file, What: fmt.Sprintf(format, args...)})
}

// A foundNight is a night of a file.
type foundNight struct {
	*Night
	whole bool // ended as it should
	other bool // written by another tool
}

// A parsed file is what one file came to.
type parsed struct {
	name         string
	readable     bool
	sum          [sha256.Size]byte
	nights       []foundNight
	confirmation *Confirmation
	problems     []Problem
}

// parseAll parses the files on all cores.
func parseAll(src Source) ([]parsed, error) {
	var (
		all   []parsed
		lock  sync.Mutex
		group sync.WaitGroup
		files = make(chan File)
	)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for f := range files {
				p := parseFile(f)
				lock.Lock()
				all = append(all, p)
				lock.Unlock()
			}
		})
	}
	err := src.Files(func(f File) { files <- f })
	close(files)
	group.Wait()
	return all, err
}

func parseFile(f File) parsed {
	p := parsed{name: f.Name}
	if f.Err != nil {
		p.problems = []Problem{{File: f.Name, What: f.Err.Error()}}
		return p
	}
	p.readable, p.sum = true, sha256.Sum256(f.Data)
	if !isConfirmation(f.Name) {
		p.nights, p.problems = parseNights(f.Name, f.Data)
		return p
	}
	c := &Confirmation{}
	err := json.Unmarshal(f.Data, c)
	if err == nil && (c.Made.IsZero() || c.From == "" || c.To == "") {
		err = errors.New("it has no time or no commits")
	}
	if err == nil && c.Verdict != "" && !c.Verdict.Known() {
		err = fmt.Errorf("%q is no verdict", c.Verdict)
	}
	if err != nil {
		p.problems = []Problem{{File: f.Name, What: "not a confirmation: " + err.Error()}}
		return p
	}
	p.confirmation = c
	return p
}

// takeOnce takes in nights, each once. Of two the one that is whole is taken, else the one with more points.
func (h *History) takeOnce(found []foundNight) {
	slices.SortStableFunc(found, func(a, b foundNight) int {
		return cmp.Or(byBool(b.whole, a.whole), cmp.Compare(len(b.Points), len(a.Points)))
	})
	type identity struct {
		place, commit string
		started       int64
		other         bool
	}
	taken := map[identity]*Night{}
	for _, f := range found {
		id := identity{f.place(), f.Commit, f.Started.UnixNano(), f.other}
		first := taken[id]
		switch {
		case first == nil:
			taken[id] = f.Night
			h.Nights = append(h.Nights, f.Night)
		case f.other:
			if twice := first.join(f.Night); twice > 0 {
				h.problem(f.File, "%d points of the night of %s are in %s too and are left out", twice, f.Commit, first.File)
			}
		default:
			h.problem(f.File, "the night of %s is in %s too and is left out", f.Commit, first.File)
		}
	}
}

func byBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// join adds the points of another file of the same night, and returns how many were there already.
func (n *Night) join(more *Night) (twice int) {
	type name struct{ pkg, benchmark, metric string }
	have := make(map[name]bool, len(n.Points))
	for _, p := range n.Points {
		have[name{p.Package, p.Benchmark, p.Metric}] = true
	}
	for _, p := range more.Points {
		if have[name{p.Package, p.Benchmark, p.Metric}] {
			twice++
			continue
		}
		n.Points = append(n.Points, p)
	}
	return twice
}

// place tells machines apart: by the machine, else by CPU and system.
func (n *Night) place() string {
	if n.Host.Machine != "" {
		return n.Host.Machine
	}
	known := slices.DeleteFunc([]string{n.Host.CPU, n.Host.GOOS, n.Host.GOARCH}, func(part string) bool { return part == "" })
	return strings.Join(known, "/")
}
