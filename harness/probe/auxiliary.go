package probe

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// StartAuxiliary starts a program that the subject or the load needs and that
// nobody measures, such as the store behind a server. It is the same for all
// variants: neither what the harness tells of the subject nor this process's
// GOGC reaches it. Its environment is PATH, HOME, TMPDIR and p.Env; it runs
// where this process runs, and does not outlive it.
//
// Of p, Args, Env, Ready and Patience are used. Begin and End are not for it.
func StartAuxiliary(path string, p Program) (*Subject, error) {
	name := filepath.Base(path)
	var env []string
	for _, key := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	s := &Subject{what: name}
	if err := s.start(path, name, p, append(env, p.Env...), placement{}); err != nil {
		return nil, err
	}
	return s, nil
}

// FreeAddresses returns n different loopback addresses, HOST:PORT, on which
// nobody listened just now. Somebody else may take one a moment later.
func FreeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		defer l.Close() // all at the end, so that they differ
		addresses[i] = l.Addr().String()
	}
	return addresses, nil
}
