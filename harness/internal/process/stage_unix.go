//go:build unix

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// A Stage is a folder that one process is started from: a link to its program, so that it has the name that it shall have,
// and two named pipes, through which it is told what to do and answers.
type Stage struct {
	Program string // the link
	dir     string
}

// NewStage makes the folder dir, which must not be there yet, with a link of that name to the program, and with pipes of
// these names.
func NewStage(dir, program, name, commands, answers string) (*Stage, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for a process: %w", err)
	}
	s := &Stage{Program: filepath.Join(dir, name), dir: dir}
	err := os.Link(program, s.Program)
	for _, pipe := range []string{commands, answers} {
		if err == nil {
			err = syscall.Mkfifo(filepath.Join(dir, pipe), 0o600)
		}
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("making a folder for a process: %w", err)
	}
	return s, nil
}

// open opens the pipe of that name. Both of its ends are held, so that neither side waits for the other to open it.
func (s *Stage) open(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a pipe for a process: %w", err)
	}
	return f, nil
}

// Remove removes the folder.
func (s *Stage) Remove() error { return os.RemoveAll(s.dir) }
