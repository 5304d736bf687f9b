package reports

import (
	"bytes"
	"context"
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

// TestBrowser opens pages in a real browser, wide and narrow: the answer is there, nothing is wider than the window,
// nothing is asked of the network, and the console stays silent.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	path := filepath.Join(t.TempDir(), "page.html")
	var s seen
	if err := chromedp.Listen(ctx, s.event); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	for _, f := range fixtures() {
		var page bytes.Buffer
		if err := HTML(&page, Summarize(f.file())); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, page.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{390, 1440} {
			s.requests = nil
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate("file://"+path)); err != nil {
				t.Fatal(err)
			}
			title := evaluate[string](t, ctx, "document.querySelector('h1').innerText")
			text := evaluate[string](t, ctx, "document.body.innerText")
			overflow := evaluate[float64](t, ctx, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
			if title == "" || !strings.Contains(text, "benchstat") {
				t.Errorf("%s at %d: the title is %q and the page has %d bytes of text", f.name, width, title, len(text))
			}
			if overflow > 0 {
				t.Errorf("%s at %d: the page is %v pixels wider than the window", f.name, width, overflow)
			}
			s.mu.Lock()
			if len(s.requests) != 1 || len(s.complaints) > 0 {
				t.Errorf("%s at %d: it asked for %q, and the console says %q", f.name, width, s.requests, s.complaints)
			}
			s.mu.Unlock()
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
