// Package pkg has benchmarks of all kinds.
package pkg

// Sink keeps results.
var Sink int
