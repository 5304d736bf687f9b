package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Counter is an event that the kernel counts for a child and all that it starts: see perf_event_open(2). Only what
// happens in user mode counts.
type Counter struct {
	kind   uint32
	config uint64
}

// Instructions is the processor's count of instructions that were completed. Virtual machines often have none.
var Instructions = Counter{unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS}

// Available returns nil when this machine lets us count the event.
func (c Counter) Available() error {
	f, err := c.open()
	if err != nil {
		return err
	}
	return f.Close()
}

// open makes a counter of what the calling thread starts from now on: it begins to count when a child calls exec, and
// what the children of that count is added when they end.
func (c Counter) open() (*os.File, error) {
	attr := unix.PerfEventAttr{
		Type: c.kind, Config: c.config,
		Bits: unix.PerfBitDisabled | unix.PerfBitInherit | unix.PerfBitEnableOnExec | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	switch {
	case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP):
		return nil, fmt.Errorf("this machine has no such counter: %w", err)
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("counting is not permitted: %w; sysctl kernel.perf_event_paranoid=1 permits it", err)
	case err != nil:
		return nil, fmt.Errorf("opening a counter: %w", err)
	}
	return os.NewFile(uintptr(fd), "counter"), nil
}

// value reads the count.
func value(f *os.File) (uint64, error) {
	var text [8]byte
	if _, err := f.Read(text[:]); err != nil {
		return 0, fmt.Errorf("reading a counter: %w", err)
	}
	return binary.NativeEndian.Uint64(text[:]), nil
}
