// Package flame turns pprof profiles into flame graphs: of one side, and of the difference between two, with the
// functions whose share changed by more than it differs between repeats of the same side.
//
// Shares are of the whole profile of a side, 0 to 1: profiles of two variants seldom have the same number of samples.
package flame

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/google/pprof/profile"
)

// MostDepth is how deep a stack is followed; what is called below counts to the frame at that depth.
const MostDepth = 200

// A Graph is where the weight of one side's stacks lies, or of two sides'.
type Graph struct {
	Unit   string     // of the weights, as the profile names it: "nanoseconds", "bytes", "count"
	Totals [2]float64 // weight of each side's profile, in Unit
	Two    bool       // there are two sides
	root   frame
}

// A frame is a function as it was called by the frames above it.
type frame struct {
	name     string
	weight   [2]float64 // itself and all that it calls, in Unit
	own      [2]float64 // itself alone
	children map[string]*frame
}

// New makes the graph of one side's profile.
func New(p *profile.Profile) (*Graph, error) {
	g := &Graph{}
	return g, g.add(0, p)
}

// Between makes the graph of two sides' profiles, which must be of one kind.
func Between(base, variant *profile.Profile) (*Graph, error) {
	g := &Graph{Two: true}
	if err := g.add(0, base); err != nil {
		return nil, err
	}
	return g, g.add(1, variant)
}

func (g *Graph) add(side int, p *profile.Profile) error {
	at, err := weightOf(p)
	if err != nil {
		return err
	}
	if g.Unit != "" && g.Unit != p.SampleType[at].Unit {
		return fmt.Errorf("comparing profiles: one is in %s, the other in %s", g.Unit, p.SampleType[at].Unit)
	}
	g.Unit = p.SampleType[at].Unit
	for _, s := range p.Sample {
		w := float64(s.Value[at])
		if w <= 0 { // what was freed since
			continue
		}
		g.Totals[side] += w
		f := &g.root
		f.weight[side] += w
		for depth, name := range stack(s) {
			if depth == MostDepth {
				break
			}
			f = f.child(name)
			f.weight[side] += w
		}
		f.own[side] += w
	}
	return nil
}

func (f *frame) child(name string) *frame {
	c := f.children[name]
	if c == nil {
		if f.children == nil {
			f.children = map[string]*frame{}
		}
		c = &frame{name: name}
		f.children[name] = c
	}
	return c
}

// weightOf returns which of a sample's values is drawn: time where there is time, else bytes allocated, else the last.
func weightOf(p *profile.Profile) (int, error) {
	for _, name := range []string{"cpu", "delay", "alloc_space"} {
		if i := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == name }); i >= 0 {
			return i, nil
		}
	}
	if len(p.SampleType) == 0 {
		return 0, fmt.Errorf("the profile names no values")
	}
	return len(p.SampleType) - 1, nil
}

// unknown is the name of a place that the profile has no function for.
const unknown = "(unknown)"

// stack returns the functions of a sample, the outermost first; inlined ones are functions like others.
func stack(s *profile.Sample) []string {
	var out []string
	for _, l := range slices.Backward(s.Location) {
		if len(l.Line) == 0 {
			out = append(out, unknown)
		}
		for _, line := range slices.Backward(l.Line) {
			name := unknown
			if line.Function != nil && line.Function.Name != "" {
				name = line.Function.Name
			}
			out = append(out, name)
		}
	}
	return out
}

// shares returns the weight in shares of each side's total.
func (g *Graph) shares(w [2]float64) [2]float64 {
	for side := range w {
		if g.Totals[side] > 0 {
			w[side] /= g.Totals[side]
		}
	}
	return w
}

// width is how wide a frame is drawn: its share, or the mean of both sides', so that what only one of them has is seen.
func (g *Graph) width(f *frame) float64 {
	s := g.shares(f.weight)
	if g.Two {
		return (s[0] + s[1]) / 2
	}
	return s[0]
}

// A Box is a frame in its place.
type Box struct {
	Name        string
	Depth       int        // 0 for the outermost functions
	Left, Width float64    // shares of the picture's width
	Share       [2]float64 // of each side: the function, as it was called here, and all that it calls
	Own         [2]float64 // the function alone
}

// A Picture is a graph laid out.
type Picture struct {
	Boxes  []Box // a box stands before those that it calls
	Depth  int   // rows
	Least  float64
	Hidden int // frames that are narrower than Least, which were left out
}

// Lay places the frames: callers above, the functions that they call side by side below them, in the order of their names,
// so that two graphs can be compared. Frames narrower than least (a share of the whole) are left out, and as many more of
// the narrow ones that no more than most remain.
func (g *Graph) Lay(least float64, most int) Picture {
	var widths []float64
	all := 0
	g.root.walk(func(f *frame) {
		all++
		if w := g.width(f); w >= least && w > 0 {
			widths = append(widths, w)
		}
	})
	if len(widths) > most {
		slices.Sort(widths)
		least = widths[len(widths)-most]
		if over := widths[len(widths)-most-1]; over == least { // all of a width or none
			i := slices.IndexFunc(widths, func(w float64) bool { return w > least })
			least = 2
			if i >= 0 {
				least = widths[i]
			}
		}
	}
	p := Picture{Least: least}
	g.place(&g.root, 0, 0, &p)
	p.Hidden = all - len(p.Boxes)
	return p
}

func (f *frame) walk(visit func(*frame)) {
	for _, c := range f.children {
		visit(c)
		c.walk(visit)
	}
}

func (g *Graph) place(f *frame, depth int, left float64, p *Picture) {
	for _, name := range slices.Sorted(maps.Keys(f.children)) {
		c := f.children[name]
		w := g.width(c)
		if w >= p.Least && w > 0 {
			p.Boxes = append(p.Boxes, Box{Name: name, Depth: depth, Left: left, Width: w, Share: g.shares(c.weight), Own: g.shares(c.own)})
			p.Depth = max(p.Depth, depth+1)
			g.place(c, depth+1, left, p)
		}
		left += w
	}
}

// A Function is a function's shares of a profile, wherever it was called.
type Function struct {
	Own, All float64 // itself alone; with all that it calls, a recursive function once
}

// Functions returns the shares of every function.
func Functions(p *profile.Profile) (map[string]Function, error) {
	at, err := weightOf(p)
	if err != nil {
		return nil, err
	}
	out := map[string]Function{}
	total := 0.0
	for _, s := range p.Sample {
		w := float64(s.Value[at])
		if w <= 0 {
			continue
		}
		total += w
		names := stack(s)
		if len(names) == 0 {
			continue
		}
		leaf := out[names[len(names)-1]]
		leaf.Own += w
		out[names[len(names)-1]] = leaf
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			f := out[name]
			f.All += w
			out[name] = f
		}
	}
	for name, f := range out {
		out[name] = Function{f.Own / total, f.All / total}
	}
	return out, nil
}

// A Change is how a function's share differs between two sides.
type Change struct {
	Name          string
	Base, Variant float64 // mean shares, with all that the function calls
	Own           [2]float64
	Within        float64 // by how much repeats of one side differ, on the side where they differ more
}

// Difference is by how much of the whole the share changed.
func (c Change) Difference() float64 { return c.Variant - c.Base }

// LeastRepeats is how many profiles of each side are needed to know how much repeats differ.
const LeastRepeats = 3

// Changes returns the functions whose mean share differs between the sides by more than it differs between any two
// repeats of one side, the largest difference first; and whether there are repeats enough to tell. With five repeats of
// each and normal shares, a function that did not change is named about twice in a thousand.
func Changes(base, variant []*profile.Profile) (list []Change, ok bool, err error) {
	if len(base) < LeastRepeats || len(variant) < LeastRepeats {
		return nil, false, nil
	}
	var sides [2][]map[string]Function
	names := map[string]bool{}
	for side, profiles := range [][]*profile.Profile{base, variant} {
		for _, p := range profiles {
			f, err := Functions(p)
			if err != nil {
				return nil, false, err
			}
			sides[side] = append(sides[side], f)
			for name := range f {
				names[name] = true
			}
		}
	}
	for name := range names {
		c := Change{Name: name}
		var means [2]float64
		for side, repeats := range sides {
			low, high := 1.0, 0.0
			for _, f := range repeats {
				means[side] += f[name].All / float64(len(repeats))
				c.Own[side] += f[name].Own / float64(len(repeats))
				low, high = min(low, f[name].All), max(high, f[name].All)
			}
			c.Within = max(c.Within, high-low)
		}
		c.Base, c.Variant = means[0], means[1]
		if d := c.Difference(); max(d, -d) > c.Within {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Change) int {
		da, db := a.Difference(), b.Difference()
		return cmp.Or(cmp.Compare(max(db, -db), max(da, -da)), cmp.Compare(a.Name, b.Name))
	})
	return list, true, nil
}
