//go:build !linux

package kubeapiserver

import (
	"os/exec"
	"time"
)

// bindToParent does nothing where the kernel can't.
func bindToParent(*exec.Cmd) {}

// sleep sleeps for d, to within a timer's precision.
func sleep(d time.Duration) { time.Sleep(d) }
