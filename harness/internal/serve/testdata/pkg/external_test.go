package pkg_test

import (
	. "testing"

	"example.com/pkg"
)

func BenchmarkExternal(b *B) {
	for range b.N {
		pkg.Sink++
	}
}
