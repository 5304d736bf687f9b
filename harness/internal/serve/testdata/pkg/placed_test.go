//go:build placed && linux

package pkg

import (
	"bytes"
	"math/bits"
	"os"
	"strconv"
	"syscall"
	"testing"
	"unsafe"
)

// BenchmarkPlaced says on which CPU it begins, and on how many it may run.
func BenchmarkPlaced(b *testing.B) {
	text, err := os.ReadFile("/proc/thread-self/stat")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte(") "))
	cpu, err := strconv.Atoi(string(bytes.Fields(rest)[36])) // proc(5): the 39th is the CPU last run on
	if err != nil {
		b.Fatal(err)
	}
	var mask [128]uint64
	syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
	all := 0
	for _, m := range mask {
		all += bits.OnesCount64(m)
	}
	for range b.N {
		Sink++
	}
	b.ReportMetric(float64(cpu), "cpu")
	b.ReportMetric(float64(all), "cpus")
}
