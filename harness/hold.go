package harness

import (
	"errors"
	"fmt"
	"os"

	"tunelab/harness/lock"
	"tunelab/harness/repo"
)

// A Hold is the machine taken for several runs, one after another: nobody else measures between them. Whatever it left is
// ended and removed by the next run when its process is killed.
type Hold struct {
	lock  *lock.Lock
	token string
	dir   string
	trees map[string]*repo.Tree // checkouts by folder, each made once
}

// Take takes the machine. The error is a [*lock.HeldError] when somebody else measures.
func Take(command []string, say func(text string)) (*Hold, error) {
	l, token, dead, err := acquire(command)
	if err != nil {
		return nil, err
	}
	h := &Hold{lock: l, token: token, dir: moreDir(token), trees: map[string]*repo.Tree{}}
	if err := cleanUp(l, dead, say); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("making a folder for temporary files: %w", err), l.Release())
	}
	return h, nil
}

// Dir is a folder for temporary files that is there as long as the hold.
func (h *Hold) Dir() string { return h.dir }

// Dirs are that folder and the one that each of the hold's runs makes for itself.
func (h *Hold) Dirs() []string { return []string{h.dir, scratchDir(h.token)} }

// Release gives the machine back.
func (h *Hold) Release() error { return errors.Join(os.RemoveAll(h.dir), h.lock.Release()) }

// moreDir is where a hold keeps its files, apart from what each of its runs removes when it ends.
func moreDir(token string) string { return scratchDir(token) + "-more" }
