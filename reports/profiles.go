package reports

import (
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"tunelab/reports/flame"
	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results"
)

// A profileView is all profiles of one kind: ready strings.
type profileView struct {
	Kind, Says, Case string
	Graphs           []flameView // of every variant, the base first, then of every difference to it
	Missing          []string    // why there is none
	Files            []string    // commands that open them
}

// A flameView is one flame graph.
type flameView struct {
	Title   string
	Two     bool
	Height  template.CSS
	Boxes   []boxView
	Note    string // what was left out
	Top     []topRow
	Changes []changeRow
	Told    string // what the changes are, or why there are none
}

// A boxView is a frame in its place.
type boxView struct {
	Name, Shares string
	Class        string // of a difference: how much more or less
	Place        template.CSS
}

// A topRow is a function and its shares of one side.
type topRow struct{ Name, Own, All string }

// A changeRow is a function whose share differs between the sides.
type changeRow struct{ Name, Base, Variant, Difference, Within string }

// kindSays tells what the shares of a kind of profile are of.
var kindSays = map[string]string{
	"cpu":           "CPU time",
	"mutex":         "time that goroutines waited for mutexes that others held, by who held them",
	"block":         "time that goroutines were blocked",
	"heap":          "bytes allocated",
	"goroutineleak": "goroutines that can never go on",
}

const (
	// mostBoxes is how many frames a page shows, shared by its graphs; each has at least leastBoxes and at most boxesOfGraph.
	mostBoxes    = 6000
	leastBoxes   = 60
	boxesOfGraph = 400
	// leastBox is the share of the whole below which a frame can't be seen.
	leastBox = 0.002
	mostTop  = 12
	mostDiff = 25
	rowEm    = 1.35
)

// profiles reads the profiles of the run and makes views of them. What can't be read is said in the view.
func (s *Summary) profiles() []profileView {
	var kinds []string
	for _, r := range s.File.Profiles {
		if !slices.Contains(kinds, r.Kind) {
			kinds = append(kinds, r.Kind)
		}
	}
	most := boxesOfGraph
	if n := 2 * len(kinds) * len(s.variantNames()); n > 0 {
		most = max(leastBoxes, min(boxesOfGraph, mostBoxes/n))
	}
	var out []profileView
	for _, kind := range kinds {
		out = append(out, s.profileView(kind, most))
	}
	return out
}

func (s *Summary) profileView(kind string, most int) profileView {
	v := profileView{Kind: plain.Clean(kind), Says: kindSays[kind]}
	merged, repeats := map[string]*profile.Profile{}, map[string][]*profile.Profile{}
	for _, r := range s.File.Profiles {
		if r.Kind != kind {
			continue
		}
		v.Case = plain.Clean(r.Case)
		if r.File == "" {
			v.Missing = append(v.Missing, strings.TrimPrefix(name(r.Variant)+": "+plain.Clean(r.Why), ": "))
			continue
		}
		p, err := s.readProfile(r)
		switch {
		case err != nil:
			v.Missing = append(v.Missing, fmt.Sprintf("%s: %s can't be read: %s", name(r.Variant), plain.Clean(r.File), plain.Clean(err.Error())))
		case r.Repeat > 0:
			repeats[r.Variant] = append(repeats[r.Variant], p)
		default:
			merged[r.Variant] = p
			v.Files = append(v.Files, "go tool pprof -http=localhost: "+plain.Clean(r.File))
		}
	}
	base := s.File.Run.Base()
	for _, variant := range s.variantNames() {
		if p := merged[variant]; p != nil {
			v.add(oneGraph(name(variant), p, most))
		}
	}
	for _, variant := range s.variantNames() {
		if merged[base] != nil && merged[variant] != nil && variant != base {
			v.add(differenceGraph(name(base), name(variant), merged[base], merged[variant], repeats[base], repeats[variant], most))
		}
	}
	return v
}

// add adds a graph, or says why there is none.
func (v *profileView) add(g flameView, err error) {
	if err != nil {
		v.Missing = append(v.Missing, g.Title+": "+plain.Clean(err.Error()))
		return
	}
	v.Graphs = append(v.Graphs, g)
}

// readProfile reads a file of the run's folder, and none outside.
func (s *Summary) readProfile(r results.Profile) (*profile.Profile, error) {
	file := filepath.FromSlash(r.File)
	if !filepath.IsLocal(file) {
		return nil, fmt.Errorf("it is not in the run's folder")
	}
	f, err := os.Open(filepath.Join(filepath.Dir(s.File.Path), file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Parse(f)
}

func oneGraph(title string, p *profile.Profile, most int) (flameView, error) {
	v := flameView{Title: title}
	g, err := flame.New(p)
	if err != nil {
		return v, err
	}
	if g.Totals[0] == 0 {
		return v, fmt.Errorf("the profile is empty: there was nothing of this kind")
	}
	v.lay(g, most)
	v.Title = fmt.Sprintf("%s: %s", title, amount(g.Totals[0], g.Unit))
	functions, err := flame.Functions(p)
	if err != nil {
		return v, err
	}
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := compareFloats(functions[b].Own, functions[a].Own); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	for _, name := range names[:min(len(names), mostTop)] {
		if f := functions[name]; f.Own > 0 {
			v.Top = append(v.Top, topRow{functionName(name), shareOf(f.Own), shareOf(f.All)})
		}
	}
	return v, nil
}

// amount writes a profile's total.
func amount(total float64, unit string) string {
	switch unit {
	case "nanoseconds":
		return number.Value(total, "ns")
	case "bytes":
		return number.Value(total, "B")
	}
	return fmt.Sprintf("%.0f", total)
}

func differenceGraph(base, variant string, a, b *profile.Profile, repeatsA, repeatsB []*profile.Profile, most int) (flameView, error) {
	v := flameView{Title: variant + " against " + base, Two: true}
	g, err := flame.Between(a, b)
	if err != nil {
		return v, err
	}
	if g.Totals[0] == 0 || g.Totals[1] == 0 {
		return v, fmt.Errorf("one of the profiles is empty, so there is nothing to compare")
	}
	v.lay(g, most)
	changes, ok, err := flame.Changes(repeatsA, repeatsB)
	switch {
	case err != nil:
		return v, err
	case !ok:
		v.Told = fmt.Sprintf("By how much repeats differ is not known: that takes %d profiles of each variant (--profile).", flame.LeastRepeats)
	case len(changes) == 0:
		v.Told = "No function's share changed by more than it differs between repeats of one variant."
	default:
		v.Told = fmt.Sprintf("%s more than between any two repeats of one variant.", count(len(changes), "function's share changed by", "functions' shares changed by"))
	}
	for _, c := range changes[:min(len(changes), mostDiff)] {
		v.Changes = append(v.Changes, changeRow{functionName(c.Name), shareOf(c.Base), shareOf(c.Variant), points(c.Difference()), shareOf(c.Within)})
	}
	return v, nil
}

// functionName is a function's name as a page shows it: without the type arguments' packages it would still be long.
func functionName(name string) string { return plain.Elide(plain.Clean(name), maxNameShown) }

func shareOf(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// points writes a difference of shares in percentage points.
func points(d float64) string { return fmt.Sprintf("%+.1f points", 100*d) }

func (v *flameView) lay(g *flame.Graph, most int) {
	p := g.Lay(leastBox, most)
	v.Height = template.CSS(fmt.Sprintf("height:%.2fem", rowEm*float64(p.Depth)))
	if p.Hidden > 0 {
		v.Note = fmt.Sprintf("%s narrower than %.2g %% of the whole: not shown, but counted in what calls them.",
			count(p.Hidden, "frame is", "frames are"), 100*p.Least)
	}
	for _, b := range p.Boxes {
		box := boxView{
			Name:  functionName(b.Name),
			Place: template.CSS(fmt.Sprintf("left:%.3f%%;width:%.3f%%;top:%.2fem", 100*b.Left, 100*b.Width, rowEm*float64(b.Depth))),
		}
		if v.Two {
			box.Shares = fmt.Sprintf("%s of the base, %s of the variant", shareOf(b.Share[0]), shareOf(b.Share[1]))
			box.Class = differenceClass(b.Share[1] - b.Share[0])
		} else {
			box.Shares = fmt.Sprintf("%s, itself %s", shareOf(b.Share[0]), shareOf(b.Own[0]))
		}
		v.Boxes = append(v.Boxes, box)
	}
}

// differenceClass grades a difference of shares for the style sheet.
func differenceClass(d float64) string {
	grade := 0
	for _, from := range []float64{0.005, 0.02, 0.05} {
		if math.Abs(d) >= from {
			grade++
		}
	}
	switch {
	case grade == 0:
		return ""
	case d > 0:
		return fmt.Sprintf("more%d", grade)
	}
	return fmt.Sprintf("less%d", grade)
}
