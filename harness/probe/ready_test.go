package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ready" {
			http.Error(w, "still starting", http.StatusServiceUnavailable)
		}
	}))
	if err := Answers(server.URL + "/ready")(t.Context()); err != nil {
		t.Error(err)
	}
	if err := Answers(server.URL + "/other")(t.Context()); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "still starting") {
		t.Errorf("not ready yet: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Answers(server.URL + "/ready")(over); err == nil {
		t.Error("asked although there is no time")
	}
	server.Close()
	if err := Answers(server.URL + "/ready")(t.Context()); err == nil {
		t.Error("nobody is there")
	}
}
