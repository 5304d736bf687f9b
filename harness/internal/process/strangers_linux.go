package process

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// strangers are what was there before a supervisor was: processes and process groups that are not its own to end.
type strangers struct {
	began  map[int]string // of this process's children, by pid, when each was started
	groups map[int]bool   // process groups, our own among them
}

// findStrangers looks at what is there.
func findStrangers() strangers {
	s := strangers{began: map[int]string{}, groups: map[int]bool{unix.Getpgrp(): true}}
	for _, pid := range childrenOf("/proc/self") {
		if group, began, ok := stat(pid); ok {
			s.began[pid] = began
			s.groups[group] = true
		}
	}
	for _, pid := range allPids() {
		if group, _, ok := stat(pid); ok {
			s.groups[group] = true
		}
	}
	return s
}

// has reports whether a process was there before, or is of a group that was. A pid that is used again is told by when its
// process was started.
func (s strangers) has(pid int) bool {
	group, began, ok := stat(pid)
	return ok && (s.began[pid] == began || s.groups[group])
}

// stat returns a process's group, and when it was started, in the kernel's words.
func stat(pid int) (group int, began string, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, "", false
	}
	// Behind the name, which may hold anything: state, parent, group, and the start as the 20th; see proc(5).
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return 0, "", false
	}
	group, err = strconv.Atoi(string(fields[2]))
	return group, string(fields[19]), err == nil
}
