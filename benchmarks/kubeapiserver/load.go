package kubeapiserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"tunelab/harness/probe"
)

const (
	connections = 4   // TCP connections, each with HTTP/2
	stockSize   = 100 // objects of each kind in the namespace that is read
	requestTime = 30 * time.Second
)

// A load is a mix of requests.
type load struct {
	name string
	// cycle is what a worker does, over and over; r get, l list, w write. The
	// workers begin at different places. Writes come in threes, for the two
	// kinds in turn: create, patch, delete of one object; or with patchOnly
	// they are patches of one object that is there.
	cycle     string
	patchOnly bool
	watchers  int // half of them for each kind
}

// loads are what a kube-apiserver can be asked to do here.
func loads() []load {
	return []load{
		{name: "get", cycle: "r"},
		{name: "list", cycle: "l"},
		{name: "write", cycle: "w"},
		{name: "watch", cycle: "w", patchOnly: true, watchers: 16},
		{name: "mixed", cycle: "rwrwrwrwlrwrwrwrwrwl", watchers: 4},
	}
}

// A site is where a load is let loose: a stock of objects to read, and a
// namespace of its own to write in.
type site struct {
	load    load
	stock   [][2]kind // by connection
	churn   [][2]kind // by connection
	workers []*worker
	watches [2][]*watcher
	before  [2]int64 // events per kind when the watches began
}

// Namespaces.
const (
	stockNamespace = "stock"
	churnNamespace = "churn"
)

// openSite prepares a load for so many workers: it makes their objects, lets
// them warm the server up by some requests, and starts the watches. The names
// begin with run, which no other site on this server has.
func openSite(ctx context.Context, clients []*kubernetes.Clientset, l load, workers, warmups int, run string) (*site, error) {
	s := &site{load: l}
	for _, c := range clients {
		s.stock = append(s.stock, kinds(c, stockNamespace))
		s.churn = append(s.churn, kinds(c, churnNamespace))
	}
	for w := range workers {
		s.workers = append(s.workers, &worker{
			load: l, stock: s.stock[w%len(clients)], churn: s.churn[w%len(clients)],
			name: fmt.Sprintf("%s-%d", run, w), begun: w * len(l.cycle) / workers, read: w * stockSize / workers,
		})
		s.workers[w].next = s.workers[w].begun
	}
	if l.patchOnly {
		for _, w := range s.workers {
			if err := w.createOwn(ctx); err != nil {
				return nil, err
			}
		}
	}
	if err := s.closedLoop(ctx, warmups); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	if err := s.startWatches(ctx); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

func (s *site) startWatches(ctx context.Context) error {
	for k := range s.before {
		s.before[k] = s.events(k)
		for i := range s.load.watchers / 2 {
			w, err := startWatcher(ctx, s.churn[i%len(s.churn)][k], nil)
			if err != nil {
				return err
			}
			s.watches[k] = append(s.watches[k], w)
		}
	}
	return nil
}

// events is the number of events of a kind that the workers have caused so
// far. No worker may be at work.
func (s *site) events(k int) (n int64) {
	for _, w := range s.workers {
		n += w.caused[k]
	}
	return n
}

// closedLoop makes n requests, the workers an equal share each and each as
// fast as it can.
func (s *site) closedLoop(ctx context.Context, n int) error {
	var running sync.WaitGroup
	errs := make([]error, len(s.workers))
	for i, w := range s.workers {
		share := n / len(s.workers)
		if i < n%len(s.workers) {
			share++
		}
		running.Go(func() {
			for range share {
				if errs[i] = w.request(ctx); errs[i] != nil {
					return
				}
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// openLoop makes n requests at a fixed rate, whatever became of those before,
// and records their latencies from the intended start. A request that finds no
// free worker waits for one, and that is in its latency.
func (s *site) openLoop(ctx context.Context, n int, perSecond float64, into *probe.Recorder) (probe.Schedule, error) {
	due := make(chan time.Duration, n) // so that the schedule never waits
	var running sync.WaitGroup
	errs := make([]error, len(s.workers))
	for i, w := range s.workers {
		running.Go(func() {
			for intended := range due {
				if err := w.request(ctx); err != nil {
					errs[i] = errors.Join(errs[i], err)
					return // the others go on; the load fails all the same
				}
				into.Shard(i).Record(probe.Now() - intended)
			}
		})
	}
	ran, err := probe.LaunchAsleep(n, perSecond, func(_ int, intended time.Duration) error {
		due <- intended
		return nil
	})
	close(due)
	running.Wait()
	return ran, errors.Join(append(errs, err)...)
}

// awaitEvents waits until every watcher has seen every event since the watches
// began, and fails when one has not, and saw no more for atRest, or has
// seen too many.
func (s *site) awaitEvents(atRest time.Duration) (events int64, err error) {
	for k, watches := range s.watches {
		want := s.events(k) - s.before[k]
		for _, w := range watches {
			if err := w.await(want, atRest); err != nil {
				return events, err
			}
			events += w.seen.Load()
		}
	}
	return events, nil
}

// err is what went wrong in a watch that has ended, so far.
func (s *site) err() error {
	for _, watches := range s.watches {
		for _, w := range watches {
			select {
			case <-w.ended:
				return errors.Join(w.err, errors.New("a watch ended under the load"))
			default:
			}
		}
	}
	return nil
}

// close ends the watches and deletes what the workers left in the middle of a
// three.
func (s *site) close(ctx context.Context) error {
	var errs []error
	for _, watches := range s.watches {
		for _, w := range watches {
			errs = append(errs, w.stop())
		}
	}
	for _, w := range s.workers {
		errs = append(errs, w.cleanUp(ctx))
	}
	return errors.Join(errs...)
}

// A worker makes one request after another.
type worker struct {
	load         load
	stock, churn [2]kind
	name         string
	begun        int      // where in the cycle it begins
	next         int      // where it is, in cycles laid end to end
	read         int      // objects read so far, lists included
	wrote        int      // writes so far
	caused       [2]int64 // events that its writes made, by kind
}

// request makes the worker's next request.
func (w *worker) request(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	step := w.load.cycle[w.next%len(w.load.cycle)]
	w.next++
	switch step {
	case 'r':
		return w.get(ctx)
	case 'l':
		return w.list(ctx)
	default:
		return w.write(ctx)
	}
}

func (w *worker) get(ctx context.Context) error {
	k, name := w.stock[w.read%2], stockName(w.read/2%stockSize)
	w.read++
	o, err := k.get(ctx, name)
	if err == nil && o.GetName() != name {
		err = fmt.Errorf("got %q", o.GetName())
	}
	return failed(err, "get", k, name)
}

func (w *worker) list(ctx context.Context) error {
	k := w.stock[w.read%2]
	w.read++
	items, _, err := k.list(ctx)
	if err == nil && len(items) != stockSize {
		err = fmt.Errorf("got %d objects, want %d", len(items), stockSize)
	}
	return failed(err, "list", k, "all")
}

func (w *worker) write(ctx context.Context) error {
	n := w.wrote
	w.wrote++
	kindOf, verb, name := n/3%2, n%3, fmt.Sprintf("%s-%d", w.name, n/3)
	if w.load.patchOnly {
		kindOf, verb, name = n%2, 1, w.name
	}
	k := w.churn[kindOf]
	w.caused[kindOf]++
	switch verb {
	case 0:
		_, err := k.create(ctx, name)
		return failed(err, "create", k, name)
	case 1:
		step := strconv.Itoa(n)
		o, err := k.patch(ctx, name, step)
		if err == nil && o.GetAnnotations()["step"] != step {
			err = fmt.Errorf("the answer has step %q, want %q", o.GetAnnotations()["step"], step)
		}
		return failed(err, "patch", k, name)
	default:
		w.caused[kindOf] += int64(k.deletion - 1)
		return failed(k.delete(ctx, name), "delete", k, name)
	}
}

// createOwn makes the objects that a patch-only worker patches.
func (w *worker) createOwn(ctx context.Context) error {
	for _, k := range w.churn {
		if _, err := k.create(ctx, w.name); err != nil {
			return failed(err, "create", k, w.name)
		}
	}
	return nil
}

func (w *worker) cleanUp(ctx context.Context) error {
	if w.load.patchOnly {
		return errors.Join(w.churn[0].delete(ctx, w.name), w.churn[1].delete(ctx, w.name))
	}
	for w.wrote%3 != 0 {
		if w.wrote%3 == 1 {
			w.wrote++ // what is to be deleted needs no patch
		}
		if err := w.write(ctx); err != nil {
			return err
		}
	}
	return nil
}

func failed(err error, verb string, k kind, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s: %w", verb, k.name, name, err)
}

func stockName(i int) string { return fmt.Sprintf("stock-%d", i) }
