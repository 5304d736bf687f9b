package reports

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/pprof/profile"

	"tunelab/results"
)

// profiled is a run with five CPU profiles of two variants in dir: pushes take 30 % of the base and 60 % of the variant.
func profiled(t *testing.T, dir string) *results.File {
	t.Helper()
	f := everyVerdict()
	f.Path = filepath.Join(dir, "bench.txt")
	base, variant := f.Run.Variants[0].Name, f.Run.Variants[1].Name
	if err := os.MkdirAll(filepath.Join(dir, "profiles"), 0o777); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{base, variant} {
		for repeat := range 6 {
			p := cpuProfile(int64(30*(i+1)+repeat%2), 70)
			file := fmt.Sprintf("profiles/cpu-%d-%d.pprof", i, repeat)
			var out bytes.Buffer
			if err := p.Write(&out); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), out.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
			f.Profiles = append(f.Profiles, results.Profile{Kind: "cpu", Variant: name, Case: f.Run.Plan.Cases[0].Case, Repeat: repeat, File: file})
		}
	}
	f.Profiles = append(f.Profiles,
		results.Profile{Kind: "mutex", Variant: base, Why: "nobody waited"},
		results.Profile{Kind: "mutex", Variant: variant, File: "../../etc/passwd"})
	return f
}

// cpuProfile has two functions under main, one of which calls a third.
func cpuProfile(push, wait int64) *profile.Profile {
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}, PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}}
	place := func(name string) *profile.Location {
		f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
		l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		return l
	}
	top, pushing, encoding, waiting := place("main.main"), place("main.push"), place("main.(*Encoder[...]).encode"), place("main.<wait>\"'&")
	p.Sample = []*profile.Sample{
		{Location: []*profile.Location{encoding, pushing, top}, Value: []int64{1, push * 1e6}},
		{Location: []*profile.Location{waiting, top}, Value: []int64{1, wait * 1e6}},
	}
	return p
}

// shown writes a page and opens it.
func shown(t *testing.T, ctx context.Context, page []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, page, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate("file://"+path)); err != nil {
		t.Fatal(err)
	}
	if ready := evaluate[string](t, ctx, "document.documentElement.dataset.ready || ''"); ready != "1" {
		t.Fatal("the page's script did not run to its end")
	}
}

func rendered(t *testing.T, s *Summary) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := HTML(&page, s); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// press gives the page a key.
func press(t *testing.T, ctx context.Context, keys string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatal(err)
	}
}

// Keys, as the DevTools protocol takes them (chromedp/kb).
const (
	enter, escape        = "\r", "\u001b"
	arrowDown, arrowLeft = "\u0301", "\u0302"
)

func TestBrowserFlameGraph(t *testing.T) {
	ctx := browser(t)
	dir := t.TempDir()
	page := rendered(t, Summarize(profiled(t, dir)))
	shown(t, ctx, page)
	for _, want := range []string{"main.push", "nobody waited", "not in the run's folder", "against", "functions’ shares changed", "functions' shares changed"} {
		if want != "functions’ shares changed" && !strings.Contains(evaluate[string](t, ctx, "document.querySelector('#profiles').textContent"), want) {
			t.Errorf("the profiles lack %q", want)
		}
	}
	width := func(name string) float64 {
		return evaluate[float64](t, ctx, fmt.Sprintf("(e => e.hidden ? 0 : parseFloat(e.style.width))([...document.querySelector('.flame').children].find(e => e.textContent === %q))", name))
	}
	if w := width("main.push"); w < 25 || w > 35 {
		t.Errorf("main.push is %v %% wide", w)
	}
	// By keys alone: into the graph, down to a function, in, and out again.
	evaluate[bool](t, ctx, "document.querySelector('.flame button').focus() || true")
	press(t, ctx, arrowDown)
	if got := evaluate[string](t, ctx, "document.activeElement.textContent"); !strings.HasPrefix(got, "main.") || got == "main.main" {
		t.Errorf("an arrow leads to %q", got)
	}
	evaluate[bool](t, ctx, "[...document.querySelector('.flame').children].find(e => e.textContent === 'main.push').focus() || true")
	press(t, ctx, enter)
	if w := width("main.push"); w < 99 {
		t.Errorf("main.push is %v %% wide after Enter", w)
	}
	if w := width("main.<wait>\"'&"); w != 0 {
		t.Errorf("what it does not call is %v %% wide", w)
	}
	press(t, ctx, escape)
	if w := width("main.push"); w > 35 {
		t.Errorf("main.push is %v %% wide after Escape", w)
	}
	evaluate[bool](t, ctx, `(e => { e.value = 'ENCODE'; e.dispatchEvent(new Event('input')); return true })(document.querySelector('#profiles input[type=search]'))`)
	if n := evaluate[float64](t, ctx, "document.querySelector('.flame').querySelectorAll('.hit').length"); n != 1 {
		t.Errorf("%v frames are marked", n)
	}
}

func TestBrowserTables(t *testing.T) {
	ctx := browser(t)
	list := fixtures()
	many := list[slices.IndexFunc(list, func(f fixture) bool { return f.name == "many" })]
	shown(t, ctx, rendered(t, Summarize(many.file())))
	const table = "document.querySelector('#results table.sortable')"
	visible := func() float64 {
		return evaluate[float64](t, ctx, "[..."+table+".querySelectorAll('tbody tr')].filter(r => !r.hidden).length")
	}
	all := visible()
	sizes := func() string {
		return evaluate[string](t, ctx, "[..."+table+".querySelectorAll('tbody tr:not(.more)')].filter(r => !r.hidden).map(r => r.cells[3].dataset.value).join()")
	}
	sorted := "(text => text.split(',').map(Number).every((x, i, all) => !i || all[i-1] <= x))"
	evaluate[bool](t, ctx, "document.querySelectorAll('#results details').forEach(d => d.open = true) || true")
	for _, way := range []struct{ name, test string }{{"ascending", sorted}, {"descending", strings.Replace(sorted, "<=", ">=", 1)}} {
		evaluate[bool](t, ctx, table+".querySelectorAll('button.sort')[3].focus() || true")
		press(t, ctx, enter)
		if got := evaluate[string](t, ctx, table+".querySelectorAll('th')[3].ariaSort"); got != way.name {
			t.Errorf("the head says %q, want %q", got, way.name)
		}
		if !evaluate[bool](t, ctx, way.test+"("+fmt.Sprintf("%q", sizes())+")") {
			t.Errorf("not %s: %s", way.name, sizes())
		}
	}
	if now := visible(); now != all {
		t.Errorf("%v rows of %v after sorting", now, all)
	}
	evaluate[bool](t, ctx, `(e => { e.value = 'worse'; e.dispatchEvent(new Event('change')); return true })(document.querySelector('#results .controls select'))`)
	if n := visible(); n == 0 || n >= all {
		t.Errorf("%v rows of %v are shown as worse", n, all)
	}
	if evaluate[bool](t, ctx, "[..."+table+".querySelectorAll('tbody tr:not(.more)')].some(r => !r.hidden && r.dataset.verdict !== 'worse')") {
		t.Error("another verdict is shown")
	}
}

func TestBrowserIndex(t *testing.T) {
	ctx := browser(t)
	older, newer, other := everyVerdict(), everyVerdict(), everyVerdict()
	newer.Run.ID, newer.Run.Started = "newer", newer.Run.Started.AddDate(0, 0, 1)
	for i := range newer.Trials {
		if t := &newer.Trials[i]; t.Variant != newer.Run.Base() {
			for j := range t.Values {
				t.Values[j].Value *= 3
			}
		}
	}
	other.Run.ID, other.Run.Scenario, other.Run.Host.CPU = "other", "gc", "another CPU"
	var page bytes.Buffer
	if err := Index(&page, []*Summary{Summarize(older), Summarize(newer), Summarize(other)}, []string{"", "", ""}); err != nil {
		t.Fatal(err)
	}
	shown(t, ctx, page.Bytes())
	names := func() string {
		return evaluate[string](t, ctx, "[...document.querySelectorAll('.runs > li')].filter(e => !e.hidden).map(e => e.querySelector('.quiet .name').textContent).join()")
	}
	if got := names(); !strings.HasPrefix(got, "newer,") || strings.Count(got, ",") != 2 {
		t.Errorf("the runs are %s", got)
	}
	choose := func(label, value string) {
		evaluate[bool](t, ctx, fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event('change')); return true })([...document.querySelectorAll('.controls label')].find(l => l.textContent === %q).control)`, value, label))
	}
	choose("Scenario", "gc")
	if got := names(); got != "other" {
		t.Errorf("of gc the runs are %s", got)
	}
	choose("Scenario", "")
	evaluate[bool](t, ctx, `[...document.querySelectorAll('input[type=checkbox]')].slice(0, 2).forEach(e => e.click()) || true`)
	text := evaluate[string](t, ctx, "document.querySelector('main > section').innerText")
	if !strings.Contains(text, "Two runs of raftcommit") || !strings.Contains(text, "differs") {
		t.Errorf("two runs side by side: %s", text)
	}
	if got := evaluate[string](t, ctx, "document.querySelector('.runs > li details summary').textContent"); !strings.Contains(got, "other verdicts in") {
		t.Errorf("against the run before it: %s", got)
	}
}

// TestBrowserInEveryLight looks at pages light and dark, narrow and wide, and printed.
func TestBrowserInEveryLight(t *testing.T) {
	ctx := browser(t)
	s := watch(t, ctx)
	pages := map[string][]byte{"profiles": rendered(t, Summarize(profiled(t, t.TempDir())))}
	everything := os.Getenv(browserVar) == "required" // elsewhere a few will do
	for _, f := range fixtures() {
		if everything || f.name == "every verdict" {
			pages[f.name] = rendered(t, Summarize(f.file()))
		}
	}
	baseline, err := filepath.Glob("../results/baseline/*/bench.txt")
	if err != nil || len(baseline) < 4 {
		t.Fatalf("%d baseline runs: %v", len(baseline), err)
	}
	if !everything {
		baseline = nil
	}
	large := map[string]bool{}
	for _, path := range baseline {
		f, err := results.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(path))
		pages[name], large[name] = rendered(t, Summarize(f)), true
	}
	axe, _ := os.ReadFile(os.Getenv(axeVar))
	if len(axe) == 0 {
		if os.Getenv(browserVar) == "required" {
			t.Fatalf("$%s names no axe.min.js, and one is required", axeVar)
		}
		t.Logf("without axe-core: $%s names no axe.min.js", axeVar)
	}
	for name, page := range pages {
		for _, light := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: light}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			for _, width := range []int64{390, 1440} {
				s.begin()
				shown(t, ctx, page)
				if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
					t.Fatal(err)
				}
				where := fmt.Sprintf("%s, %s, %d wide", name, light, width)
				fits(t, ctx, where)
				// Each light and each width once: axe takes seconds for a large page, and in both lights and widths minutes in all.
				if narrow := width == 390; len(axe) > 0 && (light == "light") == narrow && (narrow || !large[name]) {
					accessible(t, ctx, where, string(axe))
				}
				keep(t, ctx, where)
				s.quiet(t, where)
			}
		}
		pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF())
		if err != nil || len(pdf) < 1000 {
			t.Errorf("%s: printed it takes %d bytes: %v", name, len(pdf), err)
		}
	}
}

// axeVar names the file axe.min.js of the npm package axe-core.
const axeVar = "TUNELAB_AXE"

// accessible has axe-core look at the page that is shown.
func accessible(t *testing.T, ctx context.Context, where, axe string) {
	t.Helper()
	evaluate[bool](t, ctx, axe+"; true")
	found := evaluate[string](t, ctx, `(async () => {
		const r = await axe.run(document, {resultTypes: ['violations']});
		return r.violations.filter(v => v.impact === 'serious' || v.impact === 'critical')
			.map(v => v.id + ' at ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' (' + (n.any[0] || n.all[0] || n.none[0] || {}).message + ')').join('; ')).join('\n');
	})()`)
	if found != "" {
		t.Errorf("%s: %s", where, found)
	}
}

// keep writes a screenshot into the folder of -pages.
func keep(t *testing.T, ctx context.Context, where string) {
	t.Helper()
	if *pages == "" {
		return
	}
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pages, fileName(where)+".jpg"), shot, 0o666); err != nil {
		t.Fatal(err)
	}
}
