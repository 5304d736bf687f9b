// Package lock lets one run at a time measure on a machine.
//
// The lock is flock(2) on one file, so that the kernel releases it whatever happens to its holder. The file's text
// names the holder for whoever finds it taken, and after a holder's death it says what the dead one may have left.
package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// PathVar is the environment variable that moves the lock's file, for tests.
const PathVar = "TUNELAB_LOCK"

// A Holder is who has the lock.
type Holder struct {
	PID     int       `json:"pid"`
	Token   string    `json:"token"` // marks the processes that it starts
	Command []string  `json:"command"`
	Dir     string    `json:"dir"` // where it was started
	Since   time.Time `json:"since"`
	// Before are those that died with the lock and that nobody has cleaned up after yet, the first one first.
	Before []Holder `json:"before,omitempty"`
}

// HeldError says that another run measures on this machine.
type HeldError struct {
	Path   string
	Holder Holder
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("another run is measuring on this machine: process %d, `%s` in %s, since %s; wait for it, or end it: two at once would spoil both (lock file %s)",
		e.Holder.PID, strings.Join(e.Holder.Command, " "), e.Holder.Dir, e.Holder.Since.Local().Format("15:04:05"), e.Path)
}

// A Lock is held until Release or the process's end.
type Lock struct {
	f  *os.File
	me Holder
}

// Path returns the lock's file.
func Path() string {
	if p := os.Getenv(PathVar); p != "" {
		return p
	}
	return filepath.Join("/tmp", "tunelab.lock")
}

// Acquire takes the lock or returns a [*HeldError] at once. It also returns the holders before that died without Release
// and that nobody has cleaned up after. They stay in the file until [Lock.Settle], so that they are not forgotten should
// this holder die too soon.
func Acquire(path string, me Holder) (*Lock, []Holder, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o666)
	if err != nil {
		return nil, nil, fmt.Errorf("taking the machine's lock: %w; name another file in $%s", err, PathVar)
	}
	os.Chmod(path, 0o666) // other users' runs need it too; not ours to change when another made it
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	before, readErr := read(f)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, nil, &HeldError{path, before}
	}
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("taking the machine's lock %s: %w", path, err)
	}
	l := &Lock{f, me}
	if readErr == nil && before.Token != "" {
		me.Before = before.Before
		before.Before = nil
		me.Before = append(me.Before, before)
	}
	if err := l.name(me); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("writing the machine's lock %s: %w", path, err)
	}
	return l, me.Before, nil
}

// Settle says that the holders before have been cleaned up after.
func (l *Lock) Settle() error { return l.name(l.me) }

func (l *Lock) name(h Holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return l.write(text)
}

// Release gives the lock back. The file stays, empty: removing it could take it from under the next holder.
func (l *Lock) Release() error {
	return errors.Join(l.write(nil), l.f.Close())
}

// write replaces the text. Whoever is killed in between has left the whole text, with the end of the one before behind it.
func (l *Lock) write(text []byte) error {
	if _, err := l.f.WriteAt(text, 0); err != nil {
		return err
	}
	return l.f.Truncate(int64(len(text)))
}

func read(f *os.File) (Holder, error) {
	var h Holder
	err := json.NewDecoder(io.NewSectionReader(f, 0, 1<<20)).Decode(&h)
	return h, err
}
