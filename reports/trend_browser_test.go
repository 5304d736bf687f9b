package reports

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestBrowserTrends filters and sorts the table of series.
func TestBrowserTrends(t *testing.T) {
	ctx := browser(t)
	shown(t, ctx, trendIndexOf(t, everyTrend()))
	names := func() string {
		return evaluate[string](t, ctx, "[...document.querySelectorAll('.trends tbody tr')].filter(r => !r.hidden).map(r => r.cells[0].firstChild.parentElement.innerText.split('\\n')[0] + ' ' + r.cells[1].innerText).join('; ')")
	}
	all := names()
	if n := strings.Count(all, "; "); n != 10 || !strings.HasPrefix(all, "internal/varint.Decode/size=1KiB ns/op") {
		t.Fatalf("%d series, %s", n+1, all)
	}
	choose := func(label, value string) {
		evaluate[bool](t, ctx, fmt.Sprintf(`(e => { const o = [...e.options || []].find(o => o.text === %[1]q); e.value = o ? o.value : %[1]q; e.dispatchEvent(new Event(e.options ? 'change' : 'input')); return true })([...document.querySelectorAll('.controls label')].find(l => l.textContent === %[2]q).control)`, value, label))
	}
	for _, c := range []struct{ label, value, rest, want string }{
		{"Find", "PARSE", "", "codec.Parse widgets; codec.Parse ns/op"}, {"Metric", "widgets", "any", "codec.Parse widgets"},
		{"Package", "other.org/tool", "any", "other.org/tool.Raw ns/op"}, {"State", "refuted", "any", "codec.Format ns/op"},
	} {
		choose(c.label, c.value)
		if got := names(); got != c.want {
			t.Errorf("%s %s: %s", c.label, c.value, got)
		}
		status := evaluate[string](t, ctx, "document.querySelector('.controls [role=status]').textContent")
		if want := fmt.Sprintf("%d of 11 series", strings.Count(c.want, ";")+1); status != want {
			t.Errorf("%s %s: it says %q, want %q", c.label, c.value, status, want)
		}
		choose(c.label, c.rest)
	}
	if got := names(); got != all {
		t.Errorf("without a filter: %s", got)
	}
	change := "[...document.querySelectorAll('.trends tbody tr')].map(r => r.cells[4].dataset.value)"
	for _, way := range []struct{ name, than string }{{"ascending", "<="}, {"descending", ">="}} {
		evaluate[bool](t, ctx, "document.querySelectorAll('.trends button.sort')[3].focus() || true")
		press(t, ctx, enter)
		if got := evaluate[string](t, ctx, "document.querySelectorAll('.trends th[scope=col]')[4].ariaSort"); got != way.name {
			t.Errorf("the head says %q, want %q", got, way.name)
		}
		if !evaluate[bool](t, ctx, "(list => { const known = list.filter(x => x !== ''); return known.length > 5 && list.slice(known.length).every(x => x === '') && known.map(Number).every((x, i, all) => !i || all[i-1] "+way.than+" x) })("+change+")") {
			t.Errorf("not %s: %s", way.name, evaluate[string](t, ctx, change+".join()"))
		}
	}
}

// TestBrowserTrendDates sorts the nights of a series by what is no number: they are of one year.
func TestBrowserTrendDates(t *testing.T) {
	ctx := browser(t)
	h := everyTrend()
	shown(t, ctx, trendPageOf(t, h, h.Lines[0]))
	dates := func() []string {
		return evaluate[[]string](t, ctx, "[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[0].textContent)")
	}
	first := dates()
	if len(first) < 20 || first[0] < first[len(first)-1] {
		t.Fatalf("nights %q, want the newest first", first)
	}
	evaluate[bool](t, ctx, "document.querySelector('#table button.sort').focus() || true")
	press(t, ctx, enter)
	if got := dates(); !slices.IsSorted(got) || len(got) != len(first) {
		t.Errorf("ascending: %q", got)
	}
}

// TestBrowserTrendsInEveryLight looks at the pages of trends light and dark, narrow and wide.
func TestBrowserTrendsInEveryLight(t *testing.T) {
	ctx := browser(t)
	s := watch(t, ctx)
	list := trendsToLookAt(t)
	if os.Getenv(browserVar) != "required" { // elsewhere a few will do
		list = slices.DeleteFunc(list, func(p trendToLookAt) bool {
			return strings.Contains(p.name, "large") || p.name == "trends, none" || p.name == "trend, plain"
		})
	}
	axe, _ := os.ReadFile(os.Getenv(axeVar))
	for _, p := range list {
		for _, light := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: light}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			s.begin()
			shown(t, ctx, p.page)
			for _, width := range []int64{1440, 390} {
				if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
					t.Fatal(err)
				}
				where := fmt.Sprintf("%s, %s, %d wide", p.name, light, width)
				fits(t, ctx, where)
				if n := evaluate[float64](t, ctx, "[...document.querySelectorAll('figure.trend svg')].filter(e => e.getBoundingClientRect().width > 0).length"); n > 1 {
					t.Errorf("%s: the picture is there %v times", where, n)
				}
				if len(axe) > 0 && (light == "light") == (width == 390) {
					accessible(t, ctx, where, string(axe))
				}
				keep(t, ctx, where)
			}
			s.quiet(t, p.name+", "+light)
		}
		pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF())
		if err != nil || len(pdf) < 1000 {
			t.Errorf("%s: printed it takes %d bytes: %v", p.name, len(pdf), err)
		}
		if *pages != "" {
			if err := os.WriteFile(*pages+"/"+fileName(p.name)+".pdf", pdf, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A trendToLookAt is a page that every light falls on.
type trendToLookAt struct {
	name string
	page []byte
}

func trendsToLookAt(t *testing.T) []trendToLookAt {
	t.Helper()
	every, hostile, silent := everyTrend(), hostileTrend(strings.Join(hostileNames, "")), everyTrend()
	silent.Nights[len(silent.Nights)-1].Canary.Found = false
	every.Link, hostile.Link, every.Index = TrendFile, TrendFile, "index.html"
	large := largeTrend(150, 400)
	return []trendToLookAt{
		{"trends", trendIndexOf(t, every)}, {"trends, hostile", trendIndexOf(t, hostile)}, {"trends, large", trendIndexOf(t, large)},
		{"trends, none", trendIndexOf(t, &Trend{})}, {"trends, gate not alive", trendIndexOf(t, silent)},
		{"trend", trendPageOf(t, every, every.Lines[0])}, {"trend, plain", trendPageOf(t, every, every.Lines[9])}, {"trend, hostile", trendPageOf(t, hostile, hostile.Lines[0])}, {"trend, large", trendPageOf(t, large, large.Lines[0])},
	}
}
