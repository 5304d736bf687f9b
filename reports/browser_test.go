package reports

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserVar set to "required" makes a missing browser a failure; CI sets it.
const browserVar = "TUNELAB_TEST_BROWSER"

// browser starts headless Chromium.
func browser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv(browserVar) == "required" {
			t.Fatal("no browser found, and one is required")
		}
		t.Skip("no browser found: install chromium to run this test")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// seen is what the browser did while it showed a page.
type seen struct {
	mu         sync.Mutex
	requests   []string
	complaints []string // of the console
}

func (s *seen) event(ev any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		s.requests = append(s.requests, ev.Request.URL)
	case *runtime.EventConsoleAPICalled:
		s.complaints = append(s.complaints, string(ev.Type))
	case *runtime.EventExceptionThrown:
		s.complaints = append(s.complaints, ev.ExceptionDetails.Text)
	}
}

// watch notes what pages ask for and what the console says.
func watch(t *testing.T, ctx context.Context) *seen {
	t.Helper()
	s := &seen{}
	if err := chromedp.Listen(ctx, s.event); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// begin forgets what was seen.
func (s *seen) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.complaints = nil, nil
}

// quiet wants nothing to have been asked for but the page, and nothing said.
func (s *seen) quiet(t *testing.T, where string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) != 1 || len(s.complaints) > 0 {
		t.Errorf("%s: it asked for %q, and the console says %q", where, s.requests, s.complaints)
	}
}

// fits wants the page to be no wider than the window.
func fits(t *testing.T, ctx context.Context, where string) {
	t.Helper()
	if over := evaluate[float64](t, ctx, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
		t.Errorf("%s: %v pixels wider than the window", where, over)
	}
}

// TestBrowser opens pages in a real browser, wide and narrow: the answer is there, nothing is wider than the window,
// nothing is asked of the network, and the console stays silent.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "page.html")
	s := watch(t, ctx)
	for _, f := range fixtures() {
		var page bytes.Buffer
		if err := HTML(&page, Summarize(f.file())); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, page.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{390, 1440} {
			s.begin()
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate("file://"+path)); err != nil {
				t.Fatal(err)
			}
			title := evaluate[string](t, ctx, "document.querySelector('h1').innerText")
			text := evaluate[string](t, ctx, "document.body.innerText")
			if title == "" || !strings.Contains(text, "benchstat") {
				t.Errorf("%s at %d: the title is %q and the page has %d bytes of text", f.name, width, title, len(text))
			}
			where := fmt.Sprintf("%s at %d", f.name, width)
			fits(t, ctx, where)
			s.quiet(t, where)
		}
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}
