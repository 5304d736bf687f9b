package etcd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A model is what a correct server must hold: every acknowledged write.
type model struct {
	mu       sync.Mutex
	writes   map[int64]write // by revision
	latest   int64           // the highest revision in any answer so far
	failures []error
}

// A write is one acknowledged change of a key.
type write struct {
	key, value string
	deleted    bool
}

func newModel() *model { return &model{writes: map[int64]write{}} }

func (m *model) fail(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.failures) < 5 {
		m.failures = append(m.failures, fmt.Errorf(format, args...))
	}
}

func (m *model) err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(m.failures...)
}

// now is the highest revision that anybody has been told of.
func (m *model) now() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.latest
}

// answered notes an answer's revision. A request that began when before had
// been told must not be answered with less.
func (m *model) answered(what string, before, revision int64) {
	if revision < before {
		m.fail("%s was answered with revision %d after %d had been told", what, revision, before)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = max(m.latest, revision)
}

// wrote notes an acknowledged write, which has a revision of its own.
func (m *model) wrote(before, revision int64, w write) {
	m.answered("a write of "+w.key, before+1, revision)
	m.mu.Lock()
	other, taken := m.writes[revision]
	m.writes[revision] = w
	m.mu.Unlock()
	if taken {
		m.fail("writes of %s and %s both have revision %d", other.key, w.key, revision)
	}
}

// state is what the keys under a prefix must be, at a revision or (0) now.
func (m *model) state(under string, at int64) []*mvccpb.KeyValue {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]*mvccpb.KeyValue{}
	for _, revision := range m.revisions() {
		w := m.writes[revision]
		if at > 0 && revision > at || !strings.HasPrefix(w.key, under) {
			continue
		}
		if w.deleted {
			delete(all, w.key)
			continue
		}
		kv := all[w.key]
		if kv == nil {
			kv = &mvccpb.KeyValue{Key: []byte(w.key), CreateRevision: revision}
			all[w.key] = kv
		}
		kv.Value, kv.ModRevision = []byte(w.value), revision
		kv.Version++
	}
	var sorted []*mvccpb.KeyValue
	for _, kv := range all {
		sorted = append(sorted, kv)
	}
	slices.SortFunc(sorted, func(a, b *mvccpb.KeyValue) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return sorted
}

// revisions are those of all writes, ascending. The caller holds the lock.
func (m *model) revisions() []int64 {
	var all []int64
	for r := range m.writes {
		all = append(all, r)
	}
	slices.Sort(all)
	return all
}

// sameKeys compares what was read with what must be there.
func (m *model) sameKeys(what string, got, want []*mvccpb.KeyValue) {
	if len(got) != len(want) {
		m.fail("%s: %d keys, want %d", what, len(got), len(want))
		return
	}
	for i, kv := range got {
		if text, should := printed(kv), printed(want[i]); text != should {
			m.fail("%s: %s, want %s", what, text, should)
		}
	}
}

func printed(kv *mvccpb.KeyValue) string {
	return fmt.Sprintf("%s=%s (created %d, modified %d, version %d)", kv.Key, kv.Value, kv.CreateRevision, kv.ModRevision, kv.Version)
}

// sameEvents compares a watcher's events with all writes.
func (m *model) sameEvents(events []*clientv3.Event) {
	m.mu.Lock()
	var want []string
	for _, revision := range m.revisions() {
		w := m.writes[revision]
		want = append(want, fmt.Sprintf("%d %s=%s deleted %v", revision, w.key, w.value, w.deleted))
	}
	m.mu.Unlock()
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprintf("%d %s=%s deleted %v", e.Kv.ModRevision, e.Kv.Key, e.Kv.Value, e.Type == clientv3.EventTypeDelete))
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			m.fail("watch: event %d is %q, want %q", i, at(got, i), at(want, i))
			return
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "none"
}

// A register is one key with one writer, who counts up, and any readers. That
// makes linearizability simple: a read returns no less than what was
// acknowledged or read by anybody before it began, and no more than what was
// under way when it ended.
type register struct {
	key            string
	mu             sync.Mutex
	started, known int
}

func (r *register) start() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started++
	return r.started
}

func (r *register) learn(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = max(r.known, n)
}

func (r *register) bounds() (known, started int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known, r.started
}

// value n of a key; it names the key, so that a mixed-up answer is seen.
func (r *register) value(n int) string { return fmt.Sprintf("%s#%d", r.key, n) }

func (r *register) number(value string) (int, error) {
	n, ok := strings.CutPrefix(value, r.key+"#")
	if !ok {
		return 0, fmt.Errorf("%q is not a value of %s", value, r.key)
	}
	return strconv.Atoi(n)
}
