package gc

import (
	"maps"
	"sync"
	"sync/atomic"
)

// A Cache holds the control plane's resources. One goroutine calls Apply; any
// number may call the other methods meanwhile.
type Cache interface {
	// Apply puts the resources of set in place and takes out the names of
	// remove. When it returns, every Get sees the change. It keeps the
	// resources, which nobody may write to from then on, and not the slices.
	Apply(set []*Resource, remove []string)
	// Get appends the resource of each name to into, nil where there is none,
	// and returns it.
	Get(names []string, into []*Resource) []*Resource
	// Range calls f for every resource, in any order, until it returns false.
	// It may or may not see what Apply does meanwhile.
	Range(f func(*Resource) bool)
}

// An Implementation is a way to hold the cache.
type Implementation struct {
	Name string // as in a benchmark's name, impl=NAME
	New  func() Cache
	// ChurnOnly: measured by MapChurn alone, because what sets it apart is what
	// it does to memory.
	ChurnOnly bool
}

// Implementations returns all of them, the base first.
func Implementations() []Implementation {
	return []Implementation{
		{Name: "map", New: func() Cache { return newMapCache(false) }},
		{Name: "syncmap", New: func() Cache { return new(syncMapCache) }},
		{Name: "snapshot", New: func() Cache { return newSnapshotCache() }},
		{Name: "rebuilt", New: func() Cache { return newMapCache(true) }, ChurnOnly: true},
		{Name: "sharded", New: newShardedCache, ChurnOnly: true},
		{Name: "value", New: newValueCache, ChurnOnly: true},
		{Name: "wire", New: newWireCache, ChurnOnly: true},
	}
}

// mapCache is a map under a read-write lock. A Get sees the cache as one Apply
// left it. A rebuilt one is replaced by a copy of the right size when it has
// shrunk to half of the most that it held, since a Go map never shrinks.
type mapCache struct {
	mu        sync.RWMutex
	resources map[string]*Resource
	rebuild   bool
	peak      int // entries, since the last rebuild
}

func newMapCache(rebuild bool) *mapCache {
	return &mapCache{resources: map[string]*Resource{}, rebuild: rebuild}
}

func (c *mapCache) Apply(set []*Resource, remove []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	apply(c.resources, set, remove)
	c.peak = max(c.peak, len(c.resources))
	if c.rebuild && len(c.resources) <= c.peak/2 {
		c.resources = smallest(c.resources)
		c.peak = len(c.resources)
	}
}

func (c *mapCache) Get(names []string, into []*Resource) []*Resource {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, name := range names {
		into = append(into, c.resources[name])
	}
	return into
}

func (c *mapCache) Range(f func(*Resource) bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	each(c.resources, f)
}

// syncMapCache is a sync.Map. A Get of several names may see some before and
// some after an Apply; and as the change is pushed when Apply has returned,
// that only means that a newer resource is pushed twice.
type syncMapCache struct{ resources sync.Map }

func (c *syncMapCache) Apply(set []*Resource, remove []string) {
	for _, name := range remove {
		c.resources.Delete(name)
	}
	for _, r := range set {
		c.resources.Store(r.Name(), r)
	}
}

func (c *syncMapCache) Get(names []string, into []*Resource) []*Resource {
	for _, name := range names {
		v, _ := c.resources.Load(name)
		r, _ := v.(*Resource)
		into = append(into, r)
	}
	return into
}

func (c *syncMapCache) Range(f func(*Resource) bool) {
	c.resources.Range(func(_, v any) bool { return f(v.(*Resource)) })
}

// snapshotCache is copy-on-write: Apply makes a new map and publishes it by an
// atomic pointer, and a published map is never written to. A Get takes no lock
// and sees the cache as one Apply left it; what it costs is a copy of the map
// (not of the resources) for each Apply.
type snapshotCache struct {
	snapshot atomic.Pointer[map[string]*Resource]
}

func newSnapshotCache() *snapshotCache {
	c := new(snapshotCache)
	c.snapshot.Store(&map[string]*Resource{})
	return c
}

func (c *snapshotCache) Apply(set []*Resource, remove []string) {
	next := smallest(*c.snapshot.Load()) // maps.Clone would keep a shrunken map's size
	apply(next, set, remove)
	c.snapshot.Store(&next)
}

func (c *snapshotCache) Get(names []string, into []*Resource) []*Resource {
	resources := *c.snapshot.Load()
	for _, name := range names {
		into = append(into, resources[name])
	}
	return into
}

func (c *snapshotCache) Range(f func(*Resource) bool) { each(*c.snapshot.Load(), f) }

func apply(resources map[string]*Resource, set []*Resource, remove []string) {
	for _, name := range remove {
		delete(resources, name)
	}
	for _, r := range set {
		resources[r.Name()] = r
	}
}

// smallest copies a map into one no larger than its content needs.
func smallest(resources map[string]*Resource) map[string]*Resource {
	next := make(map[string]*Resource, len(resources))
	maps.Copy(next, resources)
	return next
}

func each(resources map[string]*Resource, f func(*Resource) bool) {
	for _, r := range resources {
		if !f(r) {
			return
		}
	}
}
