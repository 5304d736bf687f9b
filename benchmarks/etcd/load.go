package etcd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"tunelab/harness/probe"
)

const (
	// Concurrency is the number of clients: requests under way at a time.
	Concurrency = 64
	keys        = 10_000
	prefix      = "registry/"
	valueBytes  = 256
	rangeKeys   = 16 // keys in a small range
	preloadEach = 100
	patience    = 5 * time.Minute
)

// A Load is a kind of work. Request i is the same in every run, whichever
// client makes it.
type Load struct {
	Name string
	// Watch means that a watcher follows all keys meanwhile.
	Watch bool
	do    func(ctx context.Context, c *clientv3.Client, r *request) error
}

// Loads are the workloads.
func Loads() []Load {
	return []Load{
		{Name: "put", do: put},
		{Name: "range", do: readRange},
		{Name: "txn", do: txn},
		{Name: "mixed", Watch: true, do: func(ctx context.Context, c *clientv3.Client, r *request) error {
			if r.Uint64()%2 == 0 {
				return put(ctx, c, r)
			}
			return get(ctx, c, r)
		}},
	}
}

// A request is where request i takes its keys and values from.
type request struct {
	rand.PCG
	values []string
	puts   *atomic.Int64 // counts what the request writes
}

func (r *request) index() int    { return int(r.Uint64() % keys) }
func (r *request) key() string   { return keyAt(r.index()) }
func (r *request) value() string { return r.values[r.Uint64()%uint64(len(r.values))] }

func keyAt(i int) string { return fmt.Sprintf(prefix+"%08d", i) }

// newValues returns the values that are written, the same in every run. They
// don't compress.
func newValues() []string {
	source := rand.NewChaCha8([32]byte{7})
	values := make([]string, 64)
	for i := range values {
		var text strings.Builder
		for text.Len() < valueBytes {
			text.WriteByte(byte(' ' + source.Uint64()%95))
		}
		values[i] = text.String()
	}
	return values
}

func put(ctx context.Context, c *clientv3.Client, r *request) error {
	r.puts.Add(1)
	_, err := c.Put(ctx, r.key(), r.value())
	return err
}

func get(ctx context.Context, c *clientv3.Client, r *request) error {
	return expect(ctx, c, r.key(), 1)
}

// readRange reads one key seven times in eight, and else 16 keys.
func readRange(ctx context.Context, c *clientv3.Client, r *request) error {
	if r.Uint64()%8 != 0 {
		return get(ctx, c, r)
	}
	first := min(r.index(), keys-rangeKeys)
	return expect(ctx, c, keyAt(first), rangeKeys, clientv3.WithRange(keyAt(first+rangeKeys)))
}

// expect reads, and looks at what came back: an answer that is fast and wrong
// does not count.
func expect(ctx context.Context, c *clientv3.Client, key string, n int, options ...clientv3.OpOption) error {
	resp, err := c.Get(ctx, key, options...)
	if err != nil {
		return err
	}
	if len(resp.Kvs) != n || string(resp.Kvs[0].Key) != key || len(resp.Kvs[n-1].Value) != valueBytes {
		return fmt.Errorf("reading %d keys from %s gave %d", n, key, len(resp.Kvs))
	}
	return nil
}

// txn writes a key if it is there, and reads another.
func txn(ctx context.Context, c *clientv3.Client, r *request) error {
	key, other := r.key(), r.key()
	r.puts.Add(1)
	resp, err := c.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), ">", 0)).
		Then(clientv3.OpPut(key, r.value()), clientv3.OpGet(other)).Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		return err
	}
	if !resp.Succeeded || len(resp.Responses) != 2 {
		return fmt.Errorf("key %s is there, and the transaction took it for missing", key)
	}
	return nil
}

// Preload writes all keys.
func (s *Server) Preload() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	values := newValues()
	for first := 0; first < keys; first += preloadEach {
		var puts []clientv3.Op
		for i := first; i < first+preloadEach; i++ {
			puts = append(puts, clientv3.OpPut(keyAt(i), values[i%len(values)]))
		}
		if _, err := s.Clients[0].Txn(ctx).Then(puts...).Commit(); err != nil {
			return fmt.Errorf("writing the first keys: %w", err)
		}
	}
	return nil
}

// A run is one execution of a load.
type run struct {
	server *Server
	load   Load
	values []string
	puts   atomic.Int64
	failed sync.Once
	err    error
	ctx    context.Context
	cancel context.CancelFunc
}

// newRun prepares a run. Its context has no deadline, which would travel with
// every request and be a timer of its own there, but ends after five minutes.
func newRun(s *Server, l Load) *run {
	ctx, cancel := context.WithCancel(context.Background())
	timer := time.AfterFunc(patience, cancel)
	return &run{server: s, load: l, values: newValues(), ctx: ctx, cancel: func() { timer.Stop(); cancel() }}
}

// request makes request i as client number client.
func (r *run) request(client, i int) {
	req := &request{values: r.values, puts: &r.puts}
	req.Seed(uint64(i), 0x9e3779b97f4a7c15)
	if err := r.load.do(r.ctx, r.server.Clients[client%connections], req); err != nil {
		r.fail(fmt.Errorf("request %d: %w", i, err))
	}
}

// fail keeps the first error and ends the run.
func (r *run) fail(err error) {
	r.failed.Do(func() {
		r.err = err
		r.cancel()
	})
}

// closedLoop makes n requests as fast as 64 clients get answers.
func (r *run) closedLoop(n int) {
	var next atomic.Int64
	var clients sync.WaitGroup
	for client := range Concurrency {
		clients.Go(func() {
			for r.ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				r.request(client, i)
			}
		})
	}
	clients.Wait()
}

// openLoop makes n requests on a schedule. When all 64 clients are waiting for
// an answer the request waits too, and its latency has that in it.
func (r *run) openLoop(n int, perSecond float64, into *probe.Recorder) probe.Schedule {
	type job struct {
		i        int
		intended time.Duration
	}
	jobs := make(chan job, n) // the generator never waits
	var clients sync.WaitGroup
	for client := range Concurrency {
		shard := into.Shard(client)
		clients.Go(func() {
			for j := range jobs {
				r.request(client, j.i)
				shard.Record(probe.Now() - j.intended)
			}
		})
	}
	ran, err := probe.LaunchAsleep(n, perSecond, func(i int, intended time.Duration) error {
		jobs <- job{i, intended}
		return r.ctx.Err()
	})
	if err != nil {
		r.fail(err)
	}
	close(jobs)
	clients.Wait()
	return ran
}

// watch follows all keys from now on, if the load wants that. What it returns
// waits until every put of the run has been seen.
func (r *run) watch() (finish func(), err error) {
	if !r.load.Watch {
		return func() {}, nil
	}
	resp, err := r.server.Clients[0].Get(r.ctx, keyAt(0))
	if err != nil {
		return nil, fmt.Errorf("asking for the revision to watch from: %w", err)
	}
	var seen atomic.Int64
	ended := make(chan struct{})
	all := r.server.Clients[0].Watch(r.ctx, prefix, clientv3.WithPrefix(), clientv3.WithRev(resp.Header.Revision+1))
	go func() {
		defer close(ended)
		for w := range all {
			if err := w.Err(); err != nil {
				r.fail(fmt.Errorf("watching: %w", err))
			}
			seen.Add(int64(len(w.Events)))
		}
	}()
	return func() {
		for end := time.Now().Add(10 * time.Second); seen.Load() < r.puts.Load() && r.ctx.Err() == nil && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if got, want := seen.Load(), r.puts.Load(); got != want && r.ctx.Err() == nil {
			r.fail(fmt.Errorf("the watcher saw %d of %d puts", got, want))
		}
		r.cancel()
		<-ended
	}, nil
}
