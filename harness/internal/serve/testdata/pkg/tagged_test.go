//go:build tagged

package pkg

import "testing"

func BenchmarkTagged(b *testing.B) {}
