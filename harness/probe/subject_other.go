//go:build !linux

package probe

import (
	"errors"
	"runtime"
	"time"
)

var errNoSubject = errors.New("subjects need Linux (parent-death signal, process CPU clocks), not " + runtime.GOOS)

func (s *Subject) launch(placement) error { return errNoSubject }

func (s *Subject) cpuTime() (time.Duration, error) { return 0, errNoSubject }
