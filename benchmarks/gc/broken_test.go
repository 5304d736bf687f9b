package gc

import (
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"
)

// A check that lets everything pass is worth nothing: each of these is wrong
// in one way, and check must say in which.
func TestCheckCatchesBroken(t *testing.T) {
	cache := func(c func() Cache) subject { return subject{cache: c} }
	correct := Implementations()[0].New
	for _, c := range []struct {
		name string
		subject
		want string
	}{
		{"a delete is lost", cache(func() Cache { return &losesDeletes{Cache: correct()} }), "which was deleted"},
		{"an update is lost", cache(func() Cache { return &losesUpdates{Cache: correct()} }), "Range has"},
		{"the snapshot before the last is read", cache(func() Cache { return &staleSnapshot{snapshotCache: newSnapshotCache()} }), "Get of"},
		{"a published resource is updated in place", cache(func() Cache { return &inPlace{Cache: correct()} }), "was written to afterwards"},
		{"a stale snapshot is pushed", cache(func() Cache { return &pushesStale{snapshotCache: newSnapshotCache()} }), "stale: the push of version"},
		{"a deleted cluster is pushed", cache(func() Cache { return &pushesDeleted{Cache: correct()} }), "stale: the push of version"},
		{"a cluster is pushed with other endpoints", cache(func() Cache { return &mixes{Cache: correct()} }), "is sent as"},
		{"a push is lost", subject{correct, func(p Push, receive func(Push)) {
			if p.Version != 7 {
				receive(p)
			}
		}}, "a push of version 8 after 6"},
		{"the last push is lost", subject{correct, func(p Push, receive func(Push)) {
			if p.Version <= checkBatches {
				receive(p)
			}
		}}, "ends at version 80, not at 81"},
		{"clusters come without their endpoints", subject{correct, func(p Push, receive func(Push)) {
			p.Endpoints, _ = proto.Marshal((&change{version: p.Version}).response(endpointType, 0))
			receive(p)
		}}, "and endpoints map[]"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			err := check(c.subject)
			if err == nil {
				t.Fatal("passes the check")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("caught as %q, want %q", err, c.want)
			}
		})
	}
}

type losesDeletes struct {
	Cache
	calls int
}

func (c *losesDeletes) Apply(set []*Resource, remove []string) {
	if c.calls++; c.calls%3 == 0 {
		remove = nil
	}
	c.Cache.Apply(set, remove)
}

type losesUpdates struct {
	Cache
	calls int
}

func (c *losesUpdates) Apply(set []*Resource, remove []string) {
	if c.calls++; c.calls%3 == 0 && len(set) > 0 {
		set = set[1:]
	}
	c.Cache.Apply(set, remove)
}

// staleSnapshot answers Get from the snapshot before the last.
type staleSnapshot struct {
	*snapshotCache
	before snapshotCache
}

func (c *staleSnapshot) Apply(set []*Resource, remove []string) {
	c.before.snapshot.Store(c.snapshot.Load())
	c.snapshotCache.Apply(set, remove)
}

func (c *staleSnapshot) Get(names []string, into []*Resource) []*Resource {
	return c.before.Get(names, into)
}

// inPlace updates what it has instead of replacing it.
type inPlace struct{ Cache }

func (c *inPlace) Apply(set []*Resource, remove []string) {
	for i, r := range set {
		if old := c.Get([]string{r.Name()}, nil)[0]; old != nil {
			old.Version = r.Version
			proto.Reset(old.Cluster)
			proto.Merge(old.Cluster, r.Cluster)
			proto.Reset(old.Endpoints)
			proto.Merge(old.Endpoints, r.Endpoints)
			set[i] = old
		}
	}
	c.Cache.Apply(set, remove)
}

// pushesStale is right for one goroutine that asks for everything, as the
// first phase of the check does, and stale for a subscriber's few names.
type pushesStale struct {
	*snapshotCache
	before snapshotCache
}

func (c *pushesStale) Apply(set []*Resource, remove []string) {
	c.before.snapshot.Store(c.snapshot.Load())
	c.snapshotCache.Apply(set, remove)
}

func (c *pushesStale) Get(names []string, into []*Resource) []*Resource {
	if names[0] == "no such cluster" {
		return c.snapshotCache.Get(names, into)
	}
	return c.before.Get(names, into)
}

// pushesDeleted still finds by its name one cluster that Range no longer has.
type pushesDeleted struct {
	Cache
	dropped atomic.Pointer[Resource]
}

func (c *pushesDeleted) Apply(set []*Resource, remove []string) {
	if len(remove) > 0 && c.dropped.Load() == nil {
		c.dropped.Store(c.Cache.Get(remove, nil)[0])
	}
	c.Cache.Apply(set, remove)
}

func (c *pushesDeleted) Get(names []string, into []*Resource) []*Resource {
	into = c.Cache.Get(names, into)
	for i, r := range into {
		if dropped := c.dropped.Load(); r == nil && dropped != nil && dropped.Name() == names[i] {
			into[i] = dropped
		}
	}
	return into
}

// mixes gives a new cluster the endpoints that the old one had.
type mixes struct{ Cache }

func (c *mixes) Get(names []string, into []*Resource) []*Resource {
	into = c.Cache.Get(names, into)
	for i, r := range into {
		if r != nil {
			into[i] = &Resource{Version: r.Version, Cluster: r.Cluster, Endpoints: newEndpoints(r.Name(), r.Version-1)}
		}
	}
	return into
}
