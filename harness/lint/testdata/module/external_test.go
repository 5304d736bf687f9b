package module_test

import (
	"testing"

	"example.com/module"
)

func BenchmarkExternal(b *testing.B) { // want no-loop BenchmarkExternal
	module.Fib(10)
}

func BenchmarkExternalEmpty(b *testing.B) {
	for i := 0; i < b.N; i++ { // want empty-loop BenchmarkExternalEmpty
		module.IsEven(i)
	}
}

func BenchmarkExternalRight(b *testing.B) {
	for i := 0; i < b.N; i++ {
		module.Fib(10)
	}
}
