package kubeapiserver

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/watch"
)

// A watcher follows one kind in one namespace. Resource versions of a kind
// must grow from event to event: one that is repeated or goes back was sent
// twice or out of order. Whether one is missing only the count can tell, or
// whoever knows what was written.
type watcher struct {
	stream   watch.Interface
	onNext   func(event watch.Event, o object) // nil: none. Called by the watcher's goroutine
	seen     atomic.Int64                      // events so far
	last     uint64                            // resource version
	stopping atomic.Bool
	ended    chan struct{} // closed when the stream has ended
	err      error         // of the stream; read it after ended
}

// startWatcher watches from the present on: what is written after it returns
// is seen. It lists and then watches from the list's resource version.
func startWatcher(ctx context.Context, k kind, onNext func(watch.Event, object)) (*watcher, error) {
	_, from, err := k.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing before a watch: %w", err)
	}
	w := &watcher{onNext: onNext, ended: make(chan struct{})}
	if w.last, err = strconv.ParseUint(from, 10, 64); err != nil {
		return nil, fmt.Errorf("a list's resource version: %w", err)
	}
	if w.stream, err = k.watch(ctx, from); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	go w.run(k.name)
	return w, nil
}

func (w *watcher) run(kindName string) {
	defer close(w.ended)
	for event := range w.stream.ResultChan() {
		if w.stopping.Load() {
			continue // client-go reports the end that we made as an error
		}
		if w.err = w.take(event); w.err != nil {
			w.err = fmt.Errorf("watching %ss: %w", kindName, w.err)
			w.stream.Stop()
			return
		}
	}
}

func (w *watcher) take(event watch.Event) error {
	o, ok := event.Object.(object)
	if !ok || event.Type == watch.Error || event.Type == watch.Bookmark {
		return fmt.Errorf("event %s with %#v", event.Type, event.Object)
	}
	version, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		return fmt.Errorf("event %s of %s: resource version: %w", event.Type, o.GetName(), err)
	}
	if version <= w.last {
		return fmt.Errorf("event %s of %s has resource version %d, after %d", event.Type, o.GetName(), version, w.last)
	}
	w.last = version
	if w.onNext != nil {
		w.onNext(event, o)
	}
	w.seen.Add(1)
	return nil
}

// stop ends the watch and returns what went wrong with it before.
func (w *watcher) stop() error {
	w.stopping.Store(true)
	w.stream.Stop()
	<-w.ended
	return w.err
}

// await waits until so many events have come, for as long as more of them come
// and then for atRest.
func (w *watcher) await(want int64, atRest time.Duration) error {
	last, since := w.seen.Load(), time.Now()
	for {
		seen := w.seen.Load()
		switch {
		case seen == want:
			return nil
		case seen > want:
			return fmt.Errorf("a watcher has seen %d events of %d", seen, want)
		case seen > last:
			last, since = seen, time.Now()
		case time.Since(since) > atRest:
			return fmt.Errorf("a watcher has seen %d events of %d, and no more came within %v", seen, want, atRest)
		}
		select {
		case <-w.ended:
			if w.err != nil {
				return w.err
			}
			return fmt.Errorf("the server ended a watch after %d events of %d", w.seen.Load(), want)
		case <-time.After(200 * time.Microsecond):
		}
	}
}
