// Package watch sees whether anybody opens files, lists folders or reads from them: a benchmark, something that it starts,
// or anybody else. It can't see who, nor that somebody only asks for a file's size or whether it is there.
package watch

import (
	"errors"
	"fmt"
)

// ErrTooMany is in the error about more files and folders than may be watched.
var ErrTooMany = errors.New("too many files to watch")

// A place is something that is watched: a file, a folder with all that is in it, or a folder for the sake of some names.
type place struct {
	path  string
	whole bool            // every event counts
	names map[string]bool // or those of these entries, and of the folder itself
}

// Touched says what was touched, for people.
func (p *place) touched(name string) string {
	if name == "" {
		return p.path
	}
	return p.path + "/" + name
}

func tooMany(most int) error { return fmt.Errorf("%w: more than %d", ErrTooMany, most) }
