package kubeapiserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// TestCorrect is what every build of kube-apiserver must pass before it gets a
// number.
func TestCorrect(t *testing.T) {
	s := theServers(t)
	for name, encoding := range map[string]string{"protobuf": protobuf, "json": jsonText} {
		t.Run("encoding="+name, func(t *testing.T) {
			clients, err := connect(s.access, connections, encoding)
			if err != nil {
				t.Fatal(err)
			}
			if err := check(t.Context(), clients, "correct-"+name); err != nil {
				t.Error(err)
			}
		})
	}
}

const (
	checkObjects = 6 // of each kind that a writer makes
	checkPatches = 3 // of each of them
	// sentinel is made last, so that who sees it has seen everything before it,
	// and a lost event is found without waiting for it.
	sentinel = "sentinel"
)

// check finds out whether a server keeps its promises, in a namespace that it
// makes. For each kind a writer for every client creates, reads back, patches
// and deletes objects of its own, all of them at once; two watchers look on.
//
//   - What was created is what was sent, and is read back as it was answered.
//   - A patch is applied, its answer is read back, the resource version grows.
//   - A list holds the objects that gets return, equal to them, and no others.
//   - What was deleted is gone.
//   - Every watcher sees every write once, in the order of resource versions,
//     with the object that the write's answer had.
func check(ctx context.Context, clients []*kubernetes.Clientset, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := clients[0].CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("making namespace %s: %w", namespace, err)
	}
	for k := range kinds(clients[0], namespace) {
		var through []kind
		for _, c := range clients {
			through = append(through, kinds(c, namespace)[k])
		}
		if err := checkKind(ctx, through); err != nil {
			return fmt.Errorf("%ss: %w", through[0].name, err)
		}
	}
	return nil
}

// checkKind checks one kind, through several clients at once.
func checkKind(ctx context.Context, through []kind) error {
	watchers := make([]*recorder, 2)
	for i := range watchers {
		var err error
		if watchers[i], err = record(ctx, through[i%len(through)]); err != nil {
			return err
		}
		defer watchers[i].watcher.stop()
	}
	writers := make([]*writer, len(through))
	errs := make([]error, len(through))
	var running sync.WaitGroup
	for i, k := range through {
		w := &writer{kind: k, prefix: "w" + strconv.Itoa(i), now: map[string]object{}}
		writers[i] = w
		running.Go(func() { errs[i] = w.run(ctx) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	now := map[string]object{}
	var done []happened
	for _, w := range writers {
		done = append(done, w.done...)
		for name, o := range w.now {
			now[name] = o
		}
	}
	if err := checkList(ctx, through[0], now); err != nil {
		return err
	}
	o, err := through[0].create(ctx, sentinel)
	if err != nil {
		return failed(err, "create", through[0], sentinel)
	}
	done = append(done, happened{watch.Added, plain(o)})
	for _, w := range watchers {
		if err := w.compare(ctx, done, through[0].deletion); err != nil {
			return err
		}
	}
	return nil
}

// A happened is one write, as its answer had it. A delete's answer has no
// object, so there it is the last one before.
type happened struct {
	what   watch.EventType
	object object
}

// A writer checks the answers to its own requests, one after another.
type writer struct {
	kind
	prefix string
	done   []happened
	now    map[string]object // what is there
}

func (w *writer) run(ctx context.Context) error {
	for i := range checkObjects {
		if err := w.object(ctx, fmt.Sprintf("%s-%d", w.prefix, i)); err != nil {
			return err
		}
	}
	return nil
}

// object creates and patches an object, and deletes every other one.
func (w *writer) object(ctx context.Context, name string) error {
	o, err := w.create(ctx, name)
	if err == nil && !contains(o, w.sample(name)) {
		err = fmt.Errorf("the answer is not what was sent: %s", difference(w.sample(name), o))
	}
	if err == nil && (o.GetUID() == "" || o.GetCreationTimestamp().Time.IsZero()) {
		err = errors.New("the answer has no UID or no time of creation")
	}
	if err != nil {
		return failed(err, "create", w.kind, name)
	}
	if err := w.settled(ctx, watch.Added, name, o); err != nil {
		return err
	}
	for i := range checkPatches {
		step := strconv.Itoa(i)
		o, err := w.patch(ctx, name, step)
		if err == nil && o.GetAnnotations()["step"] != step {
			err = fmt.Errorf("it answers step %q, want %q", o.GetAnnotations()["step"], step)
		}
		if err == nil && o.GetUID() != w.now[name].GetUID() {
			err = errors.New("it answers another UID")
		}
		if err != nil {
			return failed(err, "patch", w.kind, name)
		}
		if err := w.settled(ctx, watch.Modified, name, o); err != nil {
			return err
		}
	}
	if len(w.done)/(checkPatches+1)%2 == 0 {
		return nil
	}
	if err := w.delete(ctx, name); err != nil {
		return failed(err, "delete", w.kind, name)
	}
	if _, err := w.get(ctx, name); !apierrors.IsNotFound(err) {
		return failed(fmt.Errorf("want not found, got %v", err), "get a deleted", w.kind, name)
	}
	w.done = append(w.done, happened{watch.Deleted, w.now[name]})
	delete(w.now, name)
	return nil
}

// settled takes the answer to a write: it is newer than the one before, and a
// get returns the same.
func (w *writer) settled(ctx context.Context, what watch.EventType, name string, answer object) error {
	answer = plain(answer)
	if before := w.now[name]; before != nil && version(answer) <= version(before) {
		return failed(fmt.Errorf("resource version %d after %d", version(answer), version(before)), "write", w.kind, name)
	}
	w.now[name] = answer
	w.done = append(w.done, happened{what, answer})
	got, err := w.get(ctx, name)
	if err == nil && !reflect.DeepEqual(plain(got), answer) {
		err = fmt.Errorf("it is not what the write answered: %s", difference(answer, plain(got)))
	}
	return failed(err, "get", w.kind, name)
}

// checkList: the list holds what is there, equal to what gets returned.
func checkList(ctx context.Context, k kind, now map[string]object) error {
	items, listed, err := k.list(ctx)
	if err != nil {
		return failed(err, "list", k, "all")
	}
	last, err := strconv.ParseUint(listed, 10, 64)
	if err != nil {
		return failed(err, "list", k, "all")
	}
	seen := map[string]bool{}
	for _, o := range items {
		o = plain(o)
		want := now[o.GetName()]
		if want == nil && o.GetNamespace() != "" && k.builtIn(o.GetName()) {
			continue
		}
		if want == nil || seen[o.GetName()] {
			return failed(errors.New("is listed but not there, or twice"), "list", k, o.GetName())
		}
		if !reflect.DeepEqual(o, want) {
			return failed(fmt.Errorf("is not what get returns: %s", difference(want, o)), "list", k, o.GetName())
		}
		if version(o) > last {
			return failed(fmt.Errorf("has resource version %d, the list %d", version(o), last), "list", k, o.GetName())
		}
		seen[o.GetName()] = true
	}
	if len(seen) != len(now) {
		return failed(fmt.Errorf("holds %d objects, want %d", len(seen), len(now)), "list", k, "all")
	}
	return nil
}

// A recorder is a watcher that keeps what it saw.
type recorder struct {
	watcher  *watcher
	saw      []happened    // read it after found
	complete bool          // the sentinel was seen
	found    chan struct{} // closed then
}

func record(ctx context.Context, k kind) (*recorder, error) {
	r := &recorder{found: make(chan struct{})}
	var err error
	r.watcher, err = startWatcher(ctx, k, func(event watch.Event, o object) {
		if k.builtIn(o.GetName()) || r.complete {
			return
		}
		r.saw = append(r.saw, happened{event.Type, plain(o)})
		if o.GetName() == sentinel {
			r.complete = true
			close(r.found)
		}
	})
	return r, err
}

// compare says where what the watcher saw differs from what was done.
func (r *recorder) compare(ctx context.Context, done []happened, deletion int) error {
	select {
	case <-r.found:
	case <-r.watcher.ended:
		if r.watcher.err != nil {
			return r.watcher.err
		}
		return errors.New("watch: the server ended it")
	case <-ctx.Done():
		return fmt.Errorf("watch: the last write was not seen: %w", ctx.Err())
	}
	answered := map[uint64]happened{}
	deleted := map[string]happened{}
	for _, h := range done {
		if h.what == watch.Deleted {
			deleted[h.object.GetName()] = h
		} else {
			answered[version(h.object)] = h
		}
	}
	marks := map[string]int{} // events of a deletion, by object
	for _, saw := range r.saw {
		name := saw.object.GetName()
		if want, ok := answered[version(saw.object)]; ok {
			if saw.what != want.what || !reflect.DeepEqual(saw.object, want.object) {
				return fmt.Errorf("watch: %s %s is not what the write answered, %s: %s", saw.what, name, want.what, difference(want.object, saw.object))
			}
			delete(answered, version(saw.object))
			continue
		}
		before, ok := deleted[name]
		if !ok || version(saw.object) <= version(before.object) {
			return fmt.Errorf("watch: %s %s, resource version %d, is no write of ours", saw.what, name, version(saw.object))
		}
		marks[name]++
		if last := marks[name] == deletion; last != (saw.what == watch.Deleted) || marks[name] > deletion {
			return fmt.Errorf("watch: %s %s is event %d of %d of its deletion", saw.what, name, marks[name], deletion)
		}
	}
	if len(answered) > 0 {
		missed := slices.MinFunc(slices.Collect(maps.Values(answered)), func(a, b happened) int { return cmp.Compare(version(a.object), version(b.object)) })
		return fmt.Errorf("watch: %d writes were never seen, the first is %s %s", len(answered), missed.what, missed.object.GetName())
	}
	for name := range deleted {
		if marks[name] != deletion {
			return fmt.Errorf("watch: of the deletion of %s %d events of %d were seen", name, marks[name], deletion)
		}
	}
	return nil
}

// builtIn reports whether the cluster puts an object of this name into every
// namespace.
func (k kind) builtIn(name string) bool { return k.name == "ConfigMap" && name == "kube-root-ca.crt" }

// contains reports whether everything that was sent is in the answer, to which
// the server adds.
func contains(answer, sent object) bool {
	sent.SetCreationTimestamp(answer.GetCreationTimestamp()) // DeepDerivative has no empty time
	sent.SetGeneration(answer.GetGeneration())               // and no empty integer
	return equality.Semantic.DeepDerivative(sent, answer)
}

// plain clears the type, which decoders set in some answers and not in others.
func plain(o object) object {
	o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	return o
}

// version is an object's resource version, 0 if it has none.
func version(o object) uint64 {
	v, _ := strconv.ParseUint(o.GetResourceVersion(), 10, 64) // 0 is smaller than all others, which fails the check
	return v
}

// difference shows two objects in a few hundred letters.
func difference(want, got object) string {
	short := func(o object) string { return fmt.Sprintf("%.400s", fmt.Sprintf("%+v", o)) }
	return fmt.Sprintf("\nwant %s\ngot  %s", short(want), short(got))
}
