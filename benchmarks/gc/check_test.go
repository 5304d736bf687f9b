package gc

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
)

// A subject is what check checks: a cache, and how pushes come to subscribers.
type subject struct {
	cache   func() Cache
	deliver func(p Push, receive func(Push)) // nil: as they come
}

func TestCorrect(t *testing.T) {
	for _, im := range Implementations() {
		t.Run("impl="+im.Name, func(t *testing.T) {
			if err := check(subject{cache: im.New}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// check is the correctness test that every variant must pass before it is
// measured: one goroutine against a plain map as the model, and then a control
// plane whose subscribers read while the cache changes.
func check(s subject) error {
	if err := checkSequence(s.cache()); err != nil {
		return fmt.Errorf("one goroutine: %w", err)
	}
	if err := checkPushes(s); err != nil {
		return fmt.Errorf("control plane: %w", err)
	}
	return nil
}

// A model is what a cache must hold, and what its resources were when it got them.
type model struct {
	versions  map[string]uint64
	published []published
}

type published struct {
	resource           *Resource
	version            uint64
	cluster, endpoints []byte
}

func (m *model) apply(set []*Resource, remove []string) error {
	for _, name := range remove {
		delete(m.versions, name)
	}
	for _, r := range set {
		m.versions[r.Name()] = r.Version
		cluster, endpoints, err := marshalAgain(r)
		if err != nil {
			return err
		}
		m.published = append(m.published, published{r, r.Version, cluster, endpoints})
	}
	return nil
}

// marshalAgain does not use, or fill, what the resource remembers.
func marshalAgain(r *Resource) (cluster, endpoints []byte, err error) {
	options := proto.MarshalOptions{Deterministic: true}
	if cluster, err = options.Marshal(r.Cluster); err != nil {
		return nil, nil, err
	}
	endpoints, err = options.Marshal(r.Endpoints)
	return cluster, endpoints, err
}

// untouched: nobody may write to a resource that a subscriber may be reading.
func (m *model) untouched() error {
	for _, p := range m.published {
		cluster, endpoints, err := marshalAgain(p.resource)
		if err != nil {
			return err
		}
		if p.resource.Version != p.version || !bytes.Equal(cluster, p.cluster) || !bytes.Equal(endpoints, p.endpoints) {
			return fmt.Errorf("the resource published as version %d was written to afterwards", p.version)
		}
	}
	return nil
}

// matches compares the whole content by both ways of reading.
func (m *model) matches(c Cache) error {
	seen := map[string]uint64{}
	var err error
	c.Range(func(r *Resource) bool {
		if _, twice := seen[r.Name()]; twice {
			err = fmt.Errorf("Range visits %s twice", r.Name())
		}
		seen[r.Name()] = r.Version
		return err == nil
	})
	if err != nil {
		return err
	}
	if err := sameContent("Range", seen, m.versions); err != nil {
		return err
	}
	names := []string{"no such cluster"}
	for name := range m.versions {
		names = append(names, name)
	}
	for i, r := range c.Get(names, nil) {
		want, exists := m.versions[names[i]]
		switch {
		case (r != nil) != exists:
			return fmt.Errorf("Get of %s: exists is %t, want %t", names[i], r != nil, exists)
		case r != nil && (r.Name() != names[i] || r.Version != want):
			return fmt.Errorf("Get of %s is %s of version %d, want version %d", names[i], r.Name(), r.Version, want)
		}
	}
	return nil
}

func sameContent(who string, got, want map[string]uint64) error {
	for name, version := range want {
		if v, ok := got[name]; !ok || v != version {
			return fmt.Errorf("%s has %s at version %d (found: %t), want %d", who, name, v, ok, version)
		}
	}
	for name, version := range got {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("%s has %s at version %d, which was deleted", who, name, version)
		}
	}
	return nil
}

func checkSequence(c Cache) error {
	m := &model{versions: map[string]uint64{}}
	churn := NewChurn(7)
	step := func(set []*Resource, remove []string) error {
		if err := m.apply(set, remove); err != nil {
			return err
		}
		c.Apply(set, remove)
		if err := m.matches(c); err != nil {
			return fmt.Errorf("at version %d: %w", churn.Version(), err)
		}
		return nil
	}
	if err := step(churn.Grow(40), nil); err != nil {
		return err
	}
	for range 40 {
		if err := step(churn.Next(5)); err != nil {
			return err
		}
	}
	if err := m.untouched(); err != nil {
		return err
	}
	// Down to nothing, so that a cache which shrinks does.
	for len(m.versions) > 0 {
		var remove []string
		for name := range m.versions {
			if remove = append(remove, name); len(remove) == 7 {
				break
			}
		}
		if err := step(nil, remove); err != nil {
			return err
		}
	}
	return step(churn.Grow(3), nil)
}

const (
	checkSubscribers = 8
	checkBatches     = 80
)

// checkPushes: every subscriber starts with nothing, gets every change, never
// a stale one, and ends with exactly what the cache has.
func checkPushes(s subject) error {
	cache := s.cache()
	var failures firstError
	views := make([]*view, checkSubscribers)
	for i := range views {
		views[i] = &view{versions: map[string]uint64{}}
	}
	plane := NewControlPlane(cache, checkSubscribers, checkBatches+1, func(i int, p Push) {
		receive := func(p Push) {
			if err := views[i].receive(p); err != nil {
				failures.add(fmt.Errorf("subscriber %d: %w", i, err))
			}
		}
		if s.deliver != nil {
			s.deliver(p, receive)
		} else {
			receive(p)
		}
	})
	stop := scanMeanwhile(cache)
	m := &model{versions: map[string]uint64{}}
	churn := NewChurn(3)
	set, remove := churn.Grow(60), []string(nil)
	for i := 0; ; i++ {
		if err := m.apply(set, remove); err != nil {
			return err
		}
		if err := plane.Publish(churn.Version(), 0, set, remove); err != nil {
			return err
		}
		if i == checkBatches {
			break
		}
		set, remove = churn.Next(6)
	}
	if err := plane.Close(); err != nil {
		return err
	}
	stop()
	if err := failures.err(); err != nil {
		return err
	}
	for i, v := range views {
		if v.version != churn.Version() {
			return fmt.Errorf("subscriber %d ends at version %d, not at %d", i, v.version, churn.Version())
		}
		if err := sameContent(fmt.Sprintf("subscriber %d", i), v.versions, m.versions); err != nil {
			return err
		}
	}
	if err := m.matches(cache); err != nil {
		return err
	}
	return m.untouched()
}

// scanMeanwhile reads the whole cache over and over until it is stopped: under
// the race detector, that nobody may write to what Range hands out.
func scanMeanwhile(c Cache) (stop func()) {
	var done atomic.Bool
	var scanning sync.WaitGroup
	scanning.Go(func() {
		for !done.Load() {
			c.Range(func(r *Resource) bool { return len(r.Endpoints.Endpoints) > 0 })
		}
	})
	return func() { done.Store(true); scanning.Wait() }
}

// A view is what a subscriber knows, learnt from the bytes that it was sent.
type view struct {
	version  uint64
	versions map[string]uint64
}

func (v *view) receive(p Push) error {
	if p.Version != v.version+1 {
		return fmt.Errorf("a push of version %d after %d", p.Version, v.version)
	}
	v.version = p.Version
	clusters, err := decode(p.Clusters, p.Version, func(wire []byte) (string, string, error) {
		var c clusterv3.Cluster
		err := proto.Unmarshal(wire, &c)
		return c.GetName(), c.GetAltStatName(), err
	})
	if err != nil {
		return err
	}
	endpoints, err := decode(p.Endpoints, p.Version, func(wire []byte) (string, string, error) {
		var a endpointv3.ClusterLoadAssignment
		if err := proto.Unmarshal(wire, &a); err != nil || len(a.Endpoints) != 1 || len(a.Endpoints[0].LbEndpoints) != EndpointsPerCluster {
			return "", "", fmt.Errorf("endpoints of %s: %v", a.GetClusterName(), err)
		}
		return a.ClusterName, a.Endpoints[0].Locality.SubZone, nil
	})
	if err != nil {
		return err
	}
	if !maps.Equal(clusters, endpoints) {
		return fmt.Errorf("the push of version %d has clusters %v and endpoints %v", p.Version, clusters, endpoints)
	}
	for name, version := range clusters {
		if version == 0 {
			delete(v.versions, name)
		} else {
			v.versions[name] = version
		}
	}
	return nil
}

// decode returns the versions of a response's resources, 0 for a removed one.
// The response of a version was built after that version's change: what is in
// it must be of that version or a later one.
func decode(wire []byte, version uint64, message func([]byte) (name, version string, err error)) (map[string]uint64, error) {
	var response discoveryv3.DeltaDiscoveryResponse
	if err := proto.Unmarshal(wire, &response); err != nil {
		return nil, fmt.Errorf("decoding the push of version %d: %w", version, err)
	}
	if response.SystemVersionInfo != strconv.FormatUint(version, 10) {
		return nil, fmt.Errorf("the push of version %d says it is of version %s", version, response.SystemVersionInfo)
	}
	versions := map[string]uint64{}
	for _, name := range response.RemovedResources {
		versions[name] = 0
	}
	for _, r := range response.Resources {
		name, inside, err := message(r.Resource.GetValue())
		if err != nil {
			return nil, err
		}
		if name != r.Name || inside != r.Version {
			return nil, fmt.Errorf("%s of version %s is sent as %s of version %s", name, inside, r.Name, r.Version)
		}
		v, err := strconv.ParseUint(r.Version, 10, 64)
		if err != nil || v < version {
			return nil, fmt.Errorf("stale: the push of version %d has %s of version %s", version, name, r.Version)
		}
		versions[name] = v
	}
	return versions, nil
}

// firstError keeps the first of several goroutines' errors.
type firstError struct{ first atomic.Pointer[error] }

func (f *firstError) add(err error) { f.first.CompareAndSwap(nil, &err) }

func (f *firstError) err() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}
