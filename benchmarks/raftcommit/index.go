package raftcommit

import (
	"sync"
	"sync/atomic"
)

// An Index is a Raft index that only grows: what is committed, or applied.
//
// Every benchmark calls every variant through this interface, so that all pay
// the same two nanoseconds of dispatch. Calling the concrete types would let
// the compiler inline the atomic ones and not the locked ones, which no
// program that has such an index behind an interface or a method would see.
type Index interface {
	// Advance raises the index to the maximum of itself and to. When it
	// returns, every later Committed, in any goroutine, sees at least to.
	Advance(to uint64)
	// Committed is the index. No goroutine sees it go back.
	Committed() uint64
}

// A Variant is one way to protect an index.
type Variant struct {
	Name         string
	New          func() Index
	SingleWriter bool // only one goroutine may call Advance
}

// Variants lists every implementation, the base first.
//
// The padded ones differ from their namesakes in where the word lies: at the
// start of 64 or 128 bytes of its own, instead of beside another index as in
// the article's struct. In BenchmarkCommitIndex nobody writes to that neighbour
// and a difference would be one of layout; BenchmarkFalseSharing writes to it.
func Variants() []Variant {
	return []Variant{
		{Name: "mutex", New: func() Index { return new(mutexIndex) }},
		{Name: "rwmutex", New: func() Index { return new(rwMutexIndex) }},
		{Name: "cas", New: func() Index { return &new(besides).committed }},
		{Name: "store", New: func() Index { return (*storeIndex)(&new(besides).committed) }, SingleWriter: true},
		{Name: "cas-pad64", New: func() Index { return &new(apart64).committed }},
		{Name: "cas-pad128", New: func() Index { return &new(apart128).committed }},
		{Name: "store-pad64", New: func() Index { return (*storeIndex)(&new(apart64).committed) }, SingleWriter: true},
		{Name: "store-pad128", New: func() Index { return (*storeIndex)(&new(apart128).committed) }, SingleWriter: true},
	}
}

// variant returns the variant of that name. It panics if there is none.
func variant(name string) Variant {
	for _, v := range Variants() {
		if v.Name == name {
			return v
		}
	}
	panic("no variant " + name)
}

// mutexIndex is the base: what the article says etcd's raft log used to do.
// Like every variant it fills 256 bytes, so that nothing else that the program
// allocates comes to lie in its cache line.
type mutexIndex struct {
	mu    sync.Mutex
	index uint64
	_     [240]byte
}

func (x *mutexIndex) Advance(to uint64) {
	x.mu.Lock()
	if to > x.index {
		x.index = to
	}
	x.mu.Unlock()
}

func (x *mutexIndex) Committed() uint64 {
	x.mu.Lock()
	index := x.index
	x.mu.Unlock()
	return index
}

type rwMutexIndex struct {
	mu    sync.RWMutex
	index uint64
	_     [224]byte
}

func (x *rwMutexIndex) Advance(to uint64) {
	x.mu.Lock()
	if to > x.index {
		x.index = to
	}
	x.mu.Unlock()
}

func (x *rwMutexIndex) Committed() uint64 {
	x.mu.RLock()
	index := x.index
	x.mu.RUnlock()
	return index
}

// casIndex is the article's advanceCommitted: a compare-and-swap loop that
// gives up when the index is already there. Any number of writers.
type casIndex struct{ index atomic.Uint64 }

func (x *casIndex) Advance(to uint64) {
	for {
		index := x.index.Load()
		if to <= index || x.index.CompareAndSwap(index, to) {
			return
		}
	}
}

func (x *casIndex) Committed() uint64 { return x.index.Load() }

// storeIndex is what is left of the loop when there is one writer, as in raft:
// nobody can come between its load and its store.
type storeIndex struct{ index atomic.Uint64 }

func (x *storeIndex) Advance(to uint64) {
	if to > x.index.Load() {
		x.index.Store(to)
	}
}

func (x *storeIndex) Committed() uint64 { return x.index.Load() }

// The three layouts of two indexes. Each fills two pairs of 64-byte cache
// lines (processors fetch lines in pairs), and Go places an object of 256 bytes
// at a multiple of its size: TestLayouts holds that to be so.

// besides has both words in one line, as in the article's struct.
type besides struct {
	committed casIndex
	applied   casIndex
	_         [240]byte
}

// apart64 has them in the two lines of one pair.
type apart64 struct {
	committed casIndex
	_         [56]byte
	applied   casIndex
	_         [184]byte
}

// apart128 has them in different pairs.
type apart128 struct {
	committed casIndex
	_         [120]byte
	applied   casIndex
	_         [120]byte
}

// twoIndexes returns committed and applied as the named variant lays them out:
// store, store-pad64 or store-pad128. It panics on another name.
//
// Not inlined, because an object that ends up on a stack lies anywhere.
//
//go:noinline
func twoIndexes(name string) [2]Index {
	switch name {
	case "store":
		two := new(besides)
		return [2]Index{(*storeIndex)(&two.committed), (*storeIndex)(&two.applied)}
	case "store-pad64":
		two := new(apart64)
		return [2]Index{(*storeIndex)(&two.committed), (*storeIndex)(&two.applied)}
	case "store-pad128":
		two := new(apart128)
		return [2]Index{(*storeIndex)(&two.committed), (*storeIndex)(&two.applied)}
	}
	panic("no layout of two indexes for " + name)
}
