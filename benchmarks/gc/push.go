package gc

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The types of the resources, as they stand in responses.
const (
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	endpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
)

// A Push is what one subscriber receives for one batch of changes: a delta
// discovery response for the clusters and one for their endpoints, both as
// bytes on the wire. They are the subscriber's own.
type Push struct {
	Version             uint64
	Intended            time.Duration // when the change should have begun, in terms of probe.Now
	Clusters, Endpoints []byte
}

// A change is one published batch. It is written once, before it is published.
type change struct {
	version  uint64
	intended time.Duration
	names    []string // of the clusters that it set or removed
}

// A ControlPlane pushes the changes of a cache to its subscribers, each of them
// a goroutine. A subscriber gets every change, in order, as a push of its own,
// with the content that the cache has when the push is built; so a subscriber
// that has fallen behind may get a change early, and then once more.
type ControlPlane struct {
	cache       Cache
	log         []change
	published   atomic.Int64 // log[:published] may be read
	subscribers []chan struct{}
	running     sync.WaitGroup
	failure     atomic.Pointer[error]
}

// NewControlPlane starts the subscribers. Publish may be called that many
// times. Each push is handed to receive in its subscriber's goroutine.
func NewControlPlane(cache Cache, subscribers, publishes int, receive func(subscriber int, p Push)) *ControlPlane {
	p := &ControlPlane{cache: cache, log: make([]change, publishes), subscribers: make([]chan struct{}, subscribers)}
	for i := range p.subscribers {
		wake := make(chan struct{}, 1)
		p.subscribers[i] = wake
		p.running.Go(func() {
			if err := p.subscribe(wake, func(push Push) { receive(i, push) }); err != nil {
				err = fmt.Errorf("pushing to subscriber %d: %w", i, err)
				p.failure.CompareAndSwap(nil, &err)
			}
		})
	}
	return p
}

// Publish applies a batch to the cache and wakes the subscribers. It does not
// wait for them. One goroutine may call it.
func (p *ControlPlane) Publish(version uint64, intended time.Duration, set []*Resource, remove []string) error {
	n := p.published.Load()
	if int(n) >= len(p.log) {
		return errors.New("publishing more often than the control plane was made for")
	}
	names := make([]string, 0, len(set)+len(remove))
	for _, r := range set {
		names = append(names, r.Name())
	}
	names = append(names, remove...)
	p.cache.Apply(set, remove)
	p.log[n] = change{version: version, intended: intended, names: names}
	p.published.Store(n + 1)
	for _, wake := range p.subscribers {
		select {
		case wake <- struct{}{}:
		default: // it has not come to an earlier change yet
		}
	}
	return nil
}

// Close waits until every subscriber has every change, ends them, and returns
// the first error of any.
func (p *ControlPlane) Close() error {
	for _, wake := range p.subscribers {
		close(wake)
	}
	p.running.Wait()
	if err := p.failure.Load(); err != nil {
		return *err
	}
	return nil
}

func (p *ControlPlane) subscribe(wake <-chan struct{}, receive func(Push)) error {
	var sent int64
	var found []*Resource
	for open := true; open; {
		_, open = <-wake
		for ; sent < p.published.Load(); sent++ {
			c := &p.log[sent]
			found = p.cache.Get(c.names, found[:0])
			push, err := c.push(found)
			if err != nil {
				return err
			}
			clear(found) // keeps nothing alive that the cache has dropped
			receive(push)
		}
	}
	return nil
}

// push builds both responses for one subscriber and marshals them, which is
// what gRPC's codec does for every stream. The bytes of a resource are shared
// (see [Resource.Marshalled]), those of a response are not.
func (c *change) push(found []*Resource) (Push, error) {
	p := Push{Version: c.version, Intended: c.intended}
	clusters, endpoints := c.response(clusterType, len(found)), c.response(endpointType, len(found))
	for i, r := range found {
		if r == nil {
			clusters.RemovedResources = append(clusters.RemovedResources, c.names[i])
			endpoints.RemovedResources = append(endpoints.RemovedResources, c.names[i])
			continue
		}
		cluster, assignment, err := r.Marshalled()
		if err != nil {
			return p, fmt.Errorf("marshalling %s of version %d: %w", c.names[i], r.Version, err)
		}
		version := strconv.FormatUint(r.Version, 10)
		clusters.Resources = append(clusters.Resources, wrap(c.names[i], version, clusterType, cluster))
		endpoints.Resources = append(endpoints.Resources, wrap(c.names[i], version, endpointType, assignment))
	}
	var err error
	if p.Clusters, err = proto.Marshal(clusters); err == nil {
		p.Endpoints, err = proto.Marshal(endpoints)
	}
	if err != nil {
		return p, fmt.Errorf("marshalling the response of version %d: %w", c.version, err)
	}
	return p, nil
}

func (c *change) response(typeURL string, resources int) *discoveryv3.DeltaDiscoveryResponse {
	version := strconv.FormatUint(c.version, 10)
	return &discoveryv3.DeltaDiscoveryResponse{
		SystemVersionInfo: version,
		TypeUrl:           typeURL,
		Nonce:             version,
		Resources:         make([]*discoveryv3.Resource, 0, resources),
	}
}

func wrap(name, version, typeURL string, wire []byte) *discoveryv3.Resource {
	return &discoveryv3.Resource{Name: name, Version: version, Resource: &anypb.Any{TypeUrl: typeURL, Value: wire}}
}
