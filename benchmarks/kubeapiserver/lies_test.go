package kubeapiserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A lie is what stands in front of a server and is wrong in one way.
type lie struct {
	name string
	tell func(server http.Handler) http.Handler
	want string // in the check's error
}

func lies() []lie {
	return []lie{
		{"a creation's watch event is dropped", onWatch(without("ADDED")), "never seen"},
		{"a deletion's watch event is dropped", onWatch(without("DELETED")), "of the deletion of w1-0"},
		{"a watch event comes twice", onWatch(func(w *eventWriter, line []byte) {
			w.out(line)
			if w.n == 7 {
				w.out(line)
			}
		}), "has resource version"},
		{"two watch events change places", onWatch(func(w *eventWriter, line []byte) {
			if w.n == 7 {
				w.kept = bytes.Clone(line)
				return
			}
			w.out(line)
			if w.n == 8 {
				w.out(w.kept)
			}
		}), "has resource version"},
		{"a watch event has an old object", onWatch(func(w *eventWriter, line []byte) {
			w.out(bytes.Replace(line, []byte(`"step":"1"`), []byte(`"step":"0"`), 1))
		}), "is not what the write answered"},
		{"a get serves a stale object", staleGets, "is not what the write answered"},
		{"a list leaves one out", onList(func(items []any) []any { return items[1:] }), "holds"},
		{"a list has one twice", onList(func(items []any) []any { return append(items, items[0]) }), "or twice"},
		{"a list has a stale object", onList(func(items []any) []any {
			items[0].(tree)["metadata"].(tree)["annotations"].(tree)["step"] = "0"
			return items
		}), "is not what get returns"},
		{"a create loses a label", onRequest(http.MethodPost, func(body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`"app":"sample",`), nil)
		}), "is not what was sent"},
		{"a patch does nothing", onRequest(http.MethodPatch, func([]byte) []byte { return []byte(`{}`) }), "answers step"},
		{"a delete deletes nothing", noDelete, "want not found"},
	}
}

// The fake itself passes: a check that lets nothing pass is worth nothing too.
func TestCheckAcceptsFake(t *testing.T) {
	if err := checkBehind(t, newFake(), nil, "honest"); err != nil {
		t.Error(err)
	}
}

// A check that lets everything pass is worth nothing: each of these servers is
// wrong in one way, and the check must say in which.
func TestCheckRefusesLies(t *testing.T) {
	for _, l := range lies() {
		t.Run(strings.ReplaceAll(l.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			refused(t, checkBehind(t, newFake(), l.tell, "lies"), l.want)
		})
	}
}

// The same lies in front of the real one.
func TestCheckRefusesLiesAboutTheRealServer(t *testing.T) {
	s := theServers(t)
	target, err := url.Parse(s.access.url)
	if err != nil {
		t.Fatal(err)
	}
	real := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1,
		Transport: &http.Transport{ForceAttemptHTTP2: true, DisableCompression: true,
			TLSClientConfig: &tls.Config{RootCAs: s.access.roots, MinVersion: tls.VersionTLS12}},
	}
	t.Run("none", func(t *testing.T) {
		if err := checkBehind(t, real, nil, "no-lie"); err != nil {
			t.Error(err)
		}
	})
	for i, l := range lies() {
		t.Run(strings.ReplaceAll(l.name, " ", "_"), func(t *testing.T) {
			refused(t, checkBehind(t, real, l.tell, "lie-"+strconv.Itoa(i)), l.want)
		})
	}
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("passes the check")
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("caught as %q, want %q", err, want)
	}
}

// checkBehind checks a server, or what a lie makes of it.
func checkBehind(t *testing.T, server http.Handler, tell func(http.Handler) http.Handler, namespace string) error {
	t.Helper()
	if tell != nil {
		server = tell(server)
	}
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections)
	clients, err := connect(access{url: front.URL, token: token}, 2, jsonText)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel) // before the front closes: it waits for watches
	return check(ctx, clients, namespace)
}

// onWatch shows each event of every watch to do, which passes on what it likes.
func onWatch(do func(w *eventWriter, line []byte)) func(http.Handler) http.Handler {
	return func(server http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("watch") != "" {
				w = &eventWriter{ResponseWriter: w, do: do}
			}
			server.ServeHTTP(w, r)
		})
	}
}

// An eventWriter cuts a watch's stream into lines, an event each.
type eventWriter struct {
	http.ResponseWriter
	do   func(w *eventWriter, line []byte)
	n    int    // events so far, the present one included
	kept []byte // for do to use
	rest []byte
}

func (w *eventWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		end := bytes.IndexByte(w.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		w.n++
		w.do(w, w.rest[:end+1])
		w.rest = w.rest[end+1:]
	}
}

func (w *eventWriter) out(line []byte) { _, _ = w.ResponseWriter.Write(line) }

func (w *eventWriter) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// without drops the events of a type about one object. Which event is the n-th
// depends on how the workers' writes interleave; which is about w1-0 does not.
func without(kind string) func(w *eventWriter, line []byte) {
	return func(w *eventWriter, line []byte) {
		if !bytes.Contains(line, []byte(`"type":"`+kind+`"`)) || !bytes.Contains(line, []byte(`"name":"w1-0"`)) {
			w.out(line)
		}
	}
}

// staleGets answers each get of an object that was got before with that.
func staleGets(server http.Handler) http.Handler {
	var first sync.Map
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || strings.Count(r.URL.Path, "/") != 6 { // /api/v1/namespaces/NS/pods/NAME
			server.ServeHTTP(w, r)
			return
		}
		answer := answerOf(server, r)
		if before, again := first.LoadOrStore(r.URL.Path, answer); again {
			answer = before.(*httptest.ResponseRecorder)
		}
		pass(w, answer, answer.Body.Bytes())
	})
}

// onList changes the items of lists that have any.
func onList(change func(items []any) []any) func(http.Handler) http.Handler {
	return func(server http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Query().Get("watch") != "" {
				server.ServeHTTP(w, r)
				return
			}
			answer := answerOf(server, r)
			var list tree
			text := answer.Body.Bytes()
			if json.Unmarshal(text, &list) == nil {
				if items, ok := list["items"].([]any); ok && len(items) > 1 {
					list["items"] = change(ours(items))
					text, _ = json.Marshal(list) // it came from JSON
				}
			}
			pass(w, answer, text)
		})
	}
}

// ours leaves out what the cluster puts into every namespace.
func ours(items []any) []any {
	var kept []any
	for _, item := range items {
		if item.(tree)["metadata"].(tree)["name"] != "kube-root-ca.crt" {
			kept = append(kept, item)
		}
	}
	return kept
}

// onRequest changes the bodies of a method's requests.
func onRequest(method string, change func(body []byte) []byte) func(http.Handler) http.Handler {
	return func(server http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == method {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					http.Error(w, err.Error(), http.StatusBadRequest)
					return
				}
				body = change(body)
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			}
			server.ServeHTTP(w, r)
		})
	}
}

// noDelete answers the third delete without asking the server.
func noDelete(server http.Handler) http.Handler {
	var deletes atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete && deletes.Add(1) == 3 {
			answer(w, http.StatusOK, tree{"kind": "Status", "apiVersion": "v1", "status": "Success"})
			return
		}
		server.ServeHTTP(w, r)
	})
}

func answerOf(server http.Handler, r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, r)
	return answer
}

// pass hands an answer on with another body.
func pass(w http.ResponseWriter, answer *httptest.ResponseRecorder, body []byte) {
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body) // who doesn't read it sees that
}
