//go:build !linux

package probe

import "runtime"

// yield lets other goroutines have this CPU.
func yield() { runtime.Gosched() }
