// Package module is what the benchmarks beside it call.
package module

import "errors"

type Cache struct{ m map[int]int }

func New(size int) (*Cache, error) {
	if size < 0 {
		return nil, errors.New("less than nothing")
	}
	return &Cache{m: make(map[int]int, size)}, nil
}

func (c *Cache) Get(key int) int { return c.m[key] }
func (c *Cache) Put(key, value int) {
	c.m[key] = value
}

func Fib(n int) int {
	if n < 2 {
		return n
	}
	return Fib(n-1) + Fib(n-2)
}

func IsEven(n int) bool { return n%2 == 0 }
