package process

// Limits are what a fence holds what runs in it to. Zero is no limit.
type Limits struct {
	MemoryBytes int64   // page cache and kernel memory included; no swap beyond it
	CPUs        float64 // CPU seconds a second
}
