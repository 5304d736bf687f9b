//go:build !linux

package machine

func freeBytes(string) (int64, error) { return 0, errNotLinux }

func openCounter() error { return errNotLinux }
