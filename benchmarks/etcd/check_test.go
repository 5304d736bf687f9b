package etcd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

const (
	checkWriters  = 6
	checkReaders  = 3
	checkCounters = 3
	checkPuts     = 60 // of each writer
	checkPatience = time.Minute
)

// A lie is a way in which a test makes the server wrong. The zero lie is the
// server as it is.
type lie struct {
	dial    []grpc.DialOption                                   // between the clients and the server
	restart func(ctx context.Context, c *clientv3.Client) error // something that a restart breaks
}

// check drives a server and compares all that it says with a model: during
// concurrent writes, reads and transactions, when they have ended, and after
// the server was killed and started again.
func check(c Config, l lie) error {
	s, err := StartServer(c, l.dial...)
	if err != nil {
		return err
	}
	err = checkServer(s, l)
	return errors.Join(err, s.Close())
}

func checkServer(s *Server, l lie) error {
	ctx, cancel := context.WithTimeout(context.Background(), checkPatience)
	defer cancel()
	m := newModel()
	events := s.Clients[0].Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(1))
	checkConcurrent(ctx, s, m)
	if m.err() != nil {
		return m.err()
	}
	checkAtRest(ctx, s, m)
	checkEvents(ctx, m, events)
	if m.err() != nil {
		return m.err()
	}
	if err := s.Crash(); err != nil {
		return fmt.Errorf("killing and restarting the server: %w", err)
	}
	if l.restart != nil {
		if err := l.restart(ctx, s.Clients[0]); err != nil {
			return err
		}
	}
	if sameAsModel(ctx, s, m, "after a restart"); m.err() == nil {
		r := &register{key: "after/restart"}
		putNext(ctx, s.Clients[0], m, r)
		getRegister(ctx, s.Clients[1], m, r)
	}
	return m.err()
}

// checkConcurrent lets writers, readers and transactions loose on the server.
func checkConcurrent(ctx context.Context, s *Server, m *model) {
	registers := make([]*register, 2*checkWriters) // two for each
	for i := range registers {
		registers[i] = &register{key: fmt.Sprintf("register/%02d", i)}
	}
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for w := range checkWriters {
		writers.Go(func() {
			for i := range checkPuts {
				putNext(ctx, s.Clients[w%connections], m, registers[2*w+i%2])
			}
		})
	}
	for w := range checkCounters {
		writers.Go(func() { increment(ctx, s.Clients[w%connections], m, checkPuts/2) })
	}
	for reader := range checkReaders {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(reader), 1))
			for {
				select {
				case <-done:
					return
				default:
					getRegister(ctx, s.Clients[reader%connections], m, registers[random.IntN(len(registers))])
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

// putNext writes a register's next value.
func putNext(ctx context.Context, c *clientv3.Client, m *model, r *register) {
	before, n := m.now(), r.start()
	resp, err := c.Put(ctx, r.key, r.value(n))
	if err != nil {
		m.fail("writing %s: %w", r.key, err)
		return
	}
	m.wrote(before, resp.Header.Revision, write{key: r.key, value: r.value(n)})
	r.learn(n)
}

// getRegister reads a register, linearizably.
func getRegister(ctx context.Context, c *clientv3.Client, m *model, r *register) {
	before := m.now()
	known, _ := r.bounds()
	resp, err := c.Get(ctx, r.key)
	_, started := r.bounds()
	if err != nil {
		m.fail("reading %s: %w", r.key, err)
		return
	}
	m.answered("a read of "+r.key, before, resp.Header.Revision)
	n := 0
	if len(resp.Kvs) > 0 {
		if n, err = r.number(string(resp.Kvs[0].Value)); err != nil {
			m.fail("a read of %s: %w", r.key, err)
			return
		}
	}
	if n < known || n > started {
		m.fail("a read of %s gives value %d; known before it: %d, begun until its end: %d", r.key, n, known, started)
	}
	r.learn(n)
}

const counterKey = "counter"

// increment adds one, n times, by transactions that compare and swap.
func increment(ctx context.Context, c *clientv3.Client, m *model, n int) {
	for done := 0; done < n && m.err() == nil; {
		before := m.now()
		was, err := c.Get(ctx, counterKey)
		if err != nil {
			m.fail("reading the counter: %w", err)
			return
		}
		value, revision := 0, int64(0)
		if len(was.Kvs) > 0 {
			value, _ = strconv.Atoi(string(was.Kvs[0].Value))
			revision = was.Kvs[0].ModRevision
		}
		next := strconv.Itoa(value + 1)
		resp, err := c.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(counterKey), "=", revision)).
			Then(clientv3.OpPut(counterKey, next)).Commit()
		if err != nil {
			m.fail("adding to the counter: %w", err)
			return
		}
		if resp.Succeeded {
			m.wrote(before, resp.Header.Revision, write{key: counterKey, value: next})
			done++
		}
	}
}

// checkAtRest compares whole ranges, the past and a deletion with the model.
func checkAtRest(ctx context.Context, s *Server, m *model) {
	c := s.Clients[1]
	if want := strconv.Itoa(checkCounters * checkPuts / 2); len(m.state(counterKey, 0)) != 1 || string(m.state(counterKey, 0)[0].Value) != want {
		m.fail("the counter's last acknowledged value is not %s", want)
	}
	sameAsModel(ctx, s, m, "at rest")
	past := m.now() / 2
	old, err := c.Get(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(past))
	if err != nil {
		m.fail("reading revision %d: %w", past, err)
		return
	}
	m.sameKeys(fmt.Sprintf("at revision %d", past), old.Kvs, m.state("", past))
	some, err := c.Get(ctx, "register/03", clientv3.WithRange("register/09"), clientv3.WithLimit(4))
	if err != nil {
		m.fail("reading a range: %w", err)
		return
	}
	if some.Count != 6 || !some.More {
		m.fail("six keys, read with a limit of four: count %d, more %v", some.Count, some.More)
	}
	all := m.state("register/", 0)
	m.sameKeys("a range with a limit", some.Kvs, all[min(3, len(all)):min(7, len(all))])

	before := m.now()
	deleted, err := c.Delete(ctx, "register/05")
	if err != nil || deleted.Deleted != 1 {
		m.fail("deleting a key: %v, %w", deleted, err)
		return
	}
	m.wrote(before, deleted.Header.Revision, write{key: "register/05", deleted: true})
	sameAsModel(ctx, s, m, "after a deletion")
}

// sameAsModel reads everything, through every connection.
func sameAsModel(ctx context.Context, s *Server, m *model, when string) {
	for _, c := range s.Clients {
		before := m.now()
		resp, err := c.Get(ctx, "", clientv3.WithPrefix())
		if err != nil {
			m.fail("%s: reading everything: %w", when, err)
			return
		}
		m.answered(when+", reading everything", before, resp.Header.Revision)
		m.sameKeys(when, resp.Kvs, m.state("", 0))
	}
}

// checkEvents waits until a watcher has told of the last write.
func checkEvents(ctx context.Context, m *model, events clientv3.WatchChan) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var all []*clientv3.Event
	for last := int64(0); last < m.now(); {
		select {
		case w, open := <-events:
			if err := w.Err(); err != nil || !open {
				m.fail("watch: ended, %w", err)
				return
			}
			for _, e := range w.Events {
				all = append(all, e)
				last = e.Kv.ModRevision
			}
		case <-ctx.Done():
			m.fail("watch: at revision %d after 10 s, the last write has %d", last, m.now())
			return
		}
	}
	m.sameEvents(all)
}

// The subject answers right: in memory without fsync, and on a disk with it.
func TestCorrect(t *testing.T) {
	for _, c := range []Config{{false, "tmpfs"}, {true, "disk"}} {
		t.Run(strings.ReplaceAll(c.String(), "/", ","), func(t *testing.T) {
			if _, err := dataFolder(c.Disk); err != nil {
				t.Skip(err)
			}
			if err := check(c, lie{}); err != nil {
				t.Error(err)
			}
		})
	}
}
