package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// An output is standard output or standard error. It remembers that something could not be written, so that no command has
// to look at every line that it prints: it ends with a status that tells.
type output struct {
	name string
	w    io.Writer

	mu  sync.Mutex
	err error
}

// A lostError is that something could not be written to standard output or standard error.
type lostError struct {
	name string
	err  error
}

func (e *lostError) Error() string { return fmt.Sprintf("writing to %s: %v", e.name, e.err) }
func (e *lostError) Unwrap() error { return e.err }

// Write writes nothing any more once it has failed.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) { // it names a file, which is not where this goes
			err = path.Err
		}
		o.err = &lostError{o.name, err}
	}
	return n, o.err
}

// lost returns the error of the first write that failed, nil when none has.
func (o *output) lost() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// Fd returns the descriptor of the file behind it, which none is when it is ^0.
func (o *output) Fd() uintptr {
	if f, ok := o.w.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// otherThanLost returns err unless it is only that something could not be printed: files that are still to be written are
// written all the same, and [execute] tells.
func otherThanLost(err error) error {
	var lost *lostError
	if errors.As(err, &lost) {
		return nil
	}
	return err
}
