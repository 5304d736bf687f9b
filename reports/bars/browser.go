package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

// interactive unfolds the page's longest table, clicks on a head of it, and waits until it is painted, sorted. Read, ran
// and loaded are milliseconds since the navigation began: when the document was read, when its scripts had run, and when
// all was loaded. Answer is what unfolding, sorting and painting took.
const interactive = `(async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const rows = (t) => t.tBodies[0].rows;
  const tables = [...document.querySelectorAll('table.sortable')].sort((a, b) => rows(b).length - rows(a).length);
  if (!tables.length) throw new Error('no table can be sorted');
  const began = performance.now();
  for (let e = tables[0]; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
  const order = () => [...rows(tables[0])].map((r) => r.textContent).join('\n');
  const button = [...tables[0].tHead.querySelectorAll('button')].at(-1);
  if (!button) throw new Error('the script of the page has not run');
  const before = order();
  button.click();
  if (order() === before) button.click();
  await painted();
  const answer = performance.now() - began;
  if (order() === before) throw new Error('a click on a head sorts nothing');
  const [entry] = performance.getEntriesByType('navigation');
  return {rows: rows(tables[0]).length, read: entry.domInteractive, ran: entry.domContentLoadedEventEnd, loaded: entry.loadEventEnd, answer};
})()`

// An opening is how long a page took in a browser, in milliseconds; interactive says which.
type opening struct {
	Rows   int     `json:"rows"`
	Read   float64 `json:"read"`
	Ran    float64 `json:"ran"`
	Loaded float64 `json:"loaded"`
	Answer float64 `json:"answer"`
}

// seconds until a click is answered: when all is loaded and a click comes at once.
func (o opening) seconds() float64 { return (max(o.Ran, o.Loaded) + o.Answer) / 1000 }

// browserPath is where a Chromium is, "" for none.
func browserPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// openings opens the page as often as the bars repeat, in a fresh tab each.
func openings(browser, page string) ([]opening, error) {
	page, err := filepath.Abs(page)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "tunelab-bars-browser-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(scratch), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		return nil, fmt.Errorf("starting %s: %w", browser, err)
	}
	var out []opening
	for range repeats {
		tab, done := chromedp.NewContext(ctx)
		err := chromedp.Do(tab, chromedp.EmulateViewport(1440, 900), chromedp.Navigate("file://"+page))
		var o opening
		if err == nil {
			o, err = chromedp.Run(tab, chromedp.Evaluate[opening](interactive, chromedp.EvalAwaitPromise))
		}
		done()
		if err != nil {
			return nil, fmt.Errorf("opening %s in %s: %w", page, browser, err)
		}
		out = append(out, o)
	}
	return out, nil
}
