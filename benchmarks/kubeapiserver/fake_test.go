package kubeapiserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A fake is the least server that passes the check: namespaces, ConfigMaps and
// Pods in memory, in JSON, without defaults, validation or access control. It
// is there to be lied about: see lies.
type fake struct {
	mu      sync.Mutex
	changed *sync.Cond
	version int
	objects map[string]json.RawMessage // by path
	log     []fakeEvent
}

type fakeEvent struct {
	collection string
	version    int
	Type       string          `json:"type"`
	Object     json.RawMessage `json:"object"`
}

func newFake() *fake {
	f := &fake{objects: map[string]json.RawMessage{}}
	f.changed = sync.NewCond(&f.mu)
	return f
}

// tree is a JSON object.
type tree = map[string]any

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	if r.URL.Query().Get("watch") != "" {
		f.watch(w, r, path)
		return
	}
	var body tree
	if r.Body != nil && r.Method != http.MethodDelete {
		_ = json.NewDecoder(r.Body).Decode(&body) // none: empty
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Method {
	case http.MethodPost:
		meta := body["metadata"].(tree)
		name := path + "/" + meta["name"].(string)
		meta["uid"], meta["creationTimestamp"] = name, time.Now().UTC().Format(time.RFC3339)
		f.write(w, path, name, "ADDED", body)
		return
	case http.MethodPatch:
		if old, ok := f.objects[path]; ok {
			var o tree
			_ = json.Unmarshal(old, &o) // we wrote it
			merge(o, body)
			f.write(w, collection(path), path, "MODIFIED", o)
			return
		}
	case http.MethodDelete:
		if old, ok := f.objects[path]; ok {
			var o tree
			_ = json.Unmarshal(old, &o)
			if strings.HasSuffix(collection(path), "/pods") {
				f.log = append(f.log, f.event(collection(path), "MODIFIED", o))
			}
			f.write(w, collection(path), path, "DELETED", o)
			return
		}
	default:
		if o, ok := f.objects[path]; ok {
			answer(w, http.StatusOK, o)
			return
		}
		if depth := strings.Count(path, "/"); depth == 4 { // api/v1/namespaces/NS/pods
			f.list(w, path)
			return
		}
	}
	answer(w, http.StatusNotFound, tree{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})
}

// event makes the next version of an object.
func (f *fake) event(collection, what string, o tree) fakeEvent {
	f.version++
	o["metadata"].(tree)["resourceVersion"] = strconv.Itoa(f.version)
	o["apiVersion"], o["kind"] = "v1", kindOf(collection)
	text, _ := json.Marshal(o) // what came from JSON goes to JSON
	return fakeEvent{collection, f.version, what, text}
}

func (f *fake) write(w http.ResponseWriter, collection, path, what string, o tree) {
	e := f.event(collection, what, o)
	f.log = append(f.log, e)
	if what == "DELETED" {
		delete(f.objects, path)
	} else {
		f.objects[path] = e.Object
	}
	f.changed.Broadcast()
	answer(w, http.StatusOK, e.Object)
}

func (f *fake) list(w http.ResponseWriter, path string) {
	items := []json.RawMessage{}
	for name, o := range f.objects {
		if collection(name) == path {
			items = append(items, o)
		}
	}
	answer(w, http.StatusOK, tree{"apiVersion": "v1", "kind": kindOf(path) + "List", "items": items,
		"metadata": tree{"resourceVersion": strconv.Itoa(f.version)}})
}

func (f *fake) watch(w http.ResponseWriter, r *http.Request, path string) {
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	w.Header().Set("Content-Type", "application/json")
	w.(http.Flusher).Flush()
	go func() { // so that the loop below sees the end
		<-r.Context().Done()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.changed.Broadcast()
	}()
	f.mu.Lock()
	defer f.mu.Unlock()
	for seen := 0; ; {
		for len(f.log) == seen && r.Context().Err() == nil {
			f.changed.Wait()
		}
		if r.Context().Err() != nil {
			return
		}
		events := slices.Clone(f.log[seen:])
		seen = len(f.log)
		f.mu.Unlock()
		for _, e := range events {
			if e.collection == path && e.version > from {
				_ = json.NewEncoder(w).Encode(e) // gone: so is the context
			}
		}
		w.(http.Flusher).Flush()
		f.mu.Lock()
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who doesn't read it sees that
}

func merge(into, patch tree) {
	for key, value := range patch {
		if inner, ok := value.(tree); ok {
			if _, ok := into[key].(tree); !ok {
				into[key] = tree{}
			}
			merge(into[key].(tree), inner)
			continue
		}
		into[key] = value
	}
}

func collection(path string) string { return path[:max(0, strings.LastIndex(path, "/"))] }

func kindOf(collection string) string {
	for end, kind := range map[string]string{"/pods": "Pod", "/configmaps": "ConfigMap", "/namespaces": "Namespace"} {
		if strings.HasSuffix(collection, end) {
			return kind
		}
	}
	panic(fmt.Sprintf("no kind is at %q", collection))
}
