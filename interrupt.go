package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// An interruption is what SIGINT and SIGTERM do. They end the command at once, with no file half written, unless it
// measures: then the first ends its context, so that the run ends in a state to go on from, and only a second ends the
// command at once, and the children with it, which don't outlive their parent.
type interruption struct {
	signals chan os.Signal
	cancel  context.CancelCauseFunc
	exit    func(status int)
	stderr  io.Writer

	mu        sync.Mutex
	caught    syscall.Signal
	measuring bool
	writing   map[string]bool // files that are not in their place yet
}

type interruptionKey struct{}

// catchSignals returns a context that knows what a signal does. With it, writing to a pipe that nobody reads any more is an
// error and no signal; the children are not told to ignore it.
func catchSignals(stderr io.Writer) (context.Context, *interruption) {
	ctx, cancel := context.WithCancelCause(context.Background())
	i := &interruption{signals: make(chan os.Signal, 2), cancel: cancel, exit: os.Exit, stderr: stderr, writing: map[string]bool{}}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signal.Notify(i.signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for sig := range i.signals {
			i.strike(sig.(syscall.Signal))
		}
	}()
	return context.WithValue(ctx, interruptionKey{}, i), i
}

// stop ends what catchSignals began, but for SIGPIPE: there may be a last word to say.
func (i *interruption) stop() {
	signal.Stop(i.signals)
	close(i.signals)
	i.cancel(nil)
}

// signal returns the first signal that came, 0 for none.
func (i *interruption) signal() syscall.Signal {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.caught
}

func (i *interruption) strike(sig syscall.Signal) {
	i.mu.Lock()
	first := i.caught == 0
	if first {
		i.caught = sig
		i.cancel(signalError{sig})
	}
	if first && i.measuring {
		i.mu.Unlock()
		return
	}
	// The lock stays: nobody puts a file in its place any more.
	for file := range i.writing {
		os.Remove(file)
	}
	said := make(chan bool)
	go func() {
		fmt.Fprintln(i.stderr, "tunelab:", sig)
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(100 * time.Millisecond): // whoever reads it may hang
	}
	i.exit(128 + int(sig))
}

// measures says that what follows ends by itself, and soon, when ctx ends.
func measures(ctx context.Context) {
	if i, ok := ctx.Value(interruptionKey{}).(*interruption); ok {
		i.mu.Lock()
		i.measuring = true
		i.mu.Unlock()
	}
}

// replaceFile writes beside path and renames, so that the file is there whole or not at all, and what was there before stays
// until then.
func replaceFile(ctx context.Context, path string, render func(io.Writer) error) error {
	i, ok := ctx.Value(interruptionKey{}).(*interruption)
	if !ok {
		i = &interruption{writing: map[string]bool{}}
	}
	i.mu.Lock()
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err == nil {
		i.writing[f.Name()] = true
	}
	i.mu.Unlock()
	if err != nil {
		return err
	}
	err = errors.Join(render(f), f.Chmod(0o644), f.Close())
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.writing, f.Name())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

type signalError struct{ syscall.Signal }

func (s signalError) Error() string { return s.Signal.String() }
