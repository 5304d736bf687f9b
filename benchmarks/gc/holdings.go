package gc

import (
	"fmt"
	"hash/maphash"
	"sync"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/proto"
)

// heldCache is a map under a read-write lock that holds another form of a
// resource. A resource that it gives back is a new one each time, which is
// what holding that form costs a reader. mapCache is not one of these: it is
// the base, and a call more for each resource would slow it down.
type heldCache[E any] struct {
	mu   sync.RWMutex
	held map[string]E
	hold func(*Resource) E
	give func(E) *Resource
}

func newHeldCache[E any](hold func(*Resource) E, give func(E) *Resource) *heldCache[E] {
	return &heldCache[E]{held: map[string]E{}, hold: hold, give: give}
}

func (c *heldCache[E]) Apply(set []*Resource, remove []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range remove {
		delete(c.held, name)
	}
	for _, r := range set {
		c.held[r.Name()] = c.hold(r)
	}
}

func (c *heldCache[E]) Get(names []string, into []*Resource) []*Resource {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, name := range names {
		var r *Resource
		if e, ok := c.held[name]; ok {
			r = c.give(e)
		}
		into = append(into, r)
	}
	return into
}

func (c *heldCache[E]) Range(f func(*Resource) bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, e := range c.held {
		if !f(c.give(e)) {
			return
		}
	}
}

// A value is a resource in the map itself: an object fewer for each cluster.
// The messages stay behind pointers, since a message must not be copied.
type value struct {
	version   uint64
	cluster   *clusterv3.Cluster
	endpoints *endpointv3.ClusterLoadAssignment
}

func newValueCache() Cache {
	return newHeldCache(
		func(r *Resource) value { return value{r.Version, r.Cluster, r.Endpoints} },
		func(v value) *Resource {
			return &Resource{Version: v.version, Cluster: v.cluster, Endpoints: v.endpoints}
		})
}

// A wire is a resource as the bytes that it is pushed as: three objects for
// each cluster, two of them without pointers, where the messages are hundreds.
type wire struct {
	version            uint64
	cluster, endpoints []byte
}

func newWireCache() Cache { return newHeldCache(toWire, fromWire) }

func toWire(r *Resource) wire {
	cluster, endpoints, err := r.Marshalled()
	if err != nil {
		panic(fmt.Sprintf("gc: %s does not marshal: %v", r.Name(), err))
	}
	return wire{r.Version, cluster, endpoints}
}

func fromWire(w wire) *Resource {
	r := &Resource{Version: w.version, Cluster: new(clusterv3.Cluster), Endpoints: new(endpointv3.ClusterLoadAssignment)}
	if err := proto.Unmarshal(w.cluster, r.Cluster); err != nil {
		panic(fmt.Sprintf("gc: a cluster that was marshalled here does not unmarshal: %v", err))
	}
	if err := proto.Unmarshal(w.endpoints, r.Endpoints); err != nil {
		panic(fmt.Sprintf("gc: endpoints that were marshalled here do not unmarshal: %v", err))
	}
	return r
}

// shards of a shardedCache: what a control plane of some cores would take.
const shards = 16

// shardedCache is several maps, each under a lock of its own. As with a
// sync.Map, a Get of several names may see some before and some after an Apply.
type shardedCache struct {
	seed   maphash.Seed
	shards [shards]*mapCache
}

func newShardedCache() Cache {
	c := &shardedCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i] = newMapCache(false)
	}
	return c
}

func (c *shardedCache) shard(name string) *mapCache {
	return c.shards[maphash.String(c.seed, name)%shards]
}

func (c *shardedCache) Apply(set []*Resource, remove []string) {
	for i := range remove {
		c.shard(remove[i]).Apply(nil, remove[i:i+1])
	}
	for i := range set {
		c.shard(set[i].Name()).Apply(set[i:i+1], nil)
	}
}

func (c *shardedCache) Get(names []string, into []*Resource) []*Resource {
	for i := range names {
		into = c.shard(names[i]).Get(names[i:i+1], into)
	}
	return into
}

func (c *shardedCache) Range(f func(*Resource) bool) {
	more := true
	for _, s := range c.shards {
		s.Range(func(r *Resource) bool { more = f(r); return more })
		if !more {
			return
		}
	}
}
