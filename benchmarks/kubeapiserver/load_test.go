package kubeapiserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"tunelab/harness/probe"
)

// overFake returns clients of a fake server that has a stock, or of what a lie
// makes of it.
func overFake(t *testing.T, tell func(http.Handler) http.Handler) []*kubernetes.Clientset {
	t.Helper()
	var server http.Handler = newFake()
	if tell != nil {
		server = tell(server)
	}
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections)
	clients, err := connect(access{url: front.URL}, 2, jsonText)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(t.Context(), clients[0]); err != nil {
		t.Fatal(err)
	}
	return clients
}

// Every load makes the requests that it says, sees every event, and leaves
// nothing behind.
func TestLoads(t *testing.T) {
	for _, l := range loads() {
		t.Run("load="+l.name, func(t *testing.T) {
			clients := overFake(t, nil)
			at, err := openSite(t.Context(), clients, l, 3, 12, "run1")
			if err != nil {
				t.Fatal(err)
			}
			done := func() (n int) {
				for _, w := range at.workers {
					n += w.next - w.begun
				}
				return n
			}
			warm := done()
			if err := at.closedLoop(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			if got := done() - warm; got != 100 {
				t.Errorf("%d requests were made, want 100", got)
			}
			rec := probe.NewRecorder(3)
			ran, err := at.openLoop(t.Context(), 50, 1e6, rec)
			if err != nil {
				t.Fatal(err)
			}
			if got := rec.Merge().Count(); got != 50 || ran.Operations != 50 || done()-warm != 150 {
				t.Errorf("%d latencies, %d of %d scheduled, %d requests in all; want 50, 50 and 150", got, ran.Operations, 50, done()-warm)
			}
			events, err := at.awaitEvents(10 * time.Second)
			if err != nil {
				t.Error(err)
			}
			if (events > 0) != (l.watchers > 0) {
				t.Errorf("%d events for %d watchers", events, l.watchers)
			}
			if err := at.close(t.Context()); err != nil {
				t.Error(err)
			}
			for _, k := range kinds(clients[0], churnNamespace) {
				if left, _, err := k.list(t.Context()); err != nil || len(left) > 0 {
					t.Errorf("%d %ss are left behind (%v)", len(left), k.name, err)
				}
			}
		})
	}
}

// The mixed load asks for what its cycle says.
func TestMixedCycle(t *testing.T) {
	for _, l := range loads() {
		if l.name == "mixed" {
			if r, w, list := strings.Count(l.cycle, "r"), strings.Count(l.cycle, "w"), strings.Count(l.cycle, "l"); r != 9 || w != 9 || list != 2 {
				t.Errorf("of 20 requests %d get, %d write and %d list", r, w, list)
			}
		}
	}
}

// What a lying server does under load fails the trial.
func TestLoadsRefuseLies(t *testing.T) {
	for _, c := range []lie{
		{"a watch event is dropped", onWatch(func(w *eventWriter, line []byte) {
			if w.n != 20 {
				w.out(line)
			}
		}), "no more came"},
		{"a watch event comes twice", onWatch(func(w *eventWriter, line []byte) {
			w.out(line)
			if w.n == 20 {
				w.out(line)
			}
		}), "has resource version"},
		{"a list leaves one out", onList(func(items []any) []any { return items[1:] }), "got 99 objects"},
		{"a patch does nothing", onRequest(http.MethodPatch, func([]byte) []byte { return []byte(`{}`) }), "the answer has step"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			mixed := loads()[len(loads())-1]
			at, err := openSite(t.Context(), overFake(t, c.tell), mixed, 4, 4, "run1")
			if err == nil {
				err = at.closedLoop(t.Context(), 400)
			}
			if err == nil {
				_, err = at.awaitEvents(200 * time.Millisecond)
			}
			refused(t, err, c.want)
		})
	}
}
