//go:build !linux

package gc

import "errors"

var errLinux = errors.New("only Linux tells this")

// Resident is what the kernel holds for this process, in bytes.
type Resident struct{ RSS, LazyFree float64 }

func captureStderr() (func() (string, error), error) { return nil, errLinux }
func resident() (Resident, error)                    { return Resident{}, errLinux }
func peakRSS() (float64, error)                      { return 0, errLinux }
func minorFaults() (int64, error)                    { return 0, errLinux }
