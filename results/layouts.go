package results

import (
	"math"

	"tunelab/results/verdict"
)

// Placement is how much of the variance between blocks lies in where the linker put things.
type Placement struct {
	Share float64 // of the variance of a block's log-ratio, 0 to 1
	SD    float64 // of the log-ratio, from one layout to another
}

// leastDraws is the smallest number of layouts, measured more than once each, that say something of their variance.
const leastDraws = 6

// placement estimates, from the first stage's blocks of a comparison, how much of their variance is between layouts: by
// the components of variance of a one-way random model (between draws and within them), where draws were measured more
// than once. It reports false where they were not, or values were 0.
func placement(pairs []verdict.Pair) (Placement, bool) {
	groups := map[int][]float64{}
	for _, p := range pairs {
		if p.Draw == 0 || p.Base <= 0 || p.Variant <= 0 {
			return Placement{}, false
		}
		groups[p.Draw] = append(groups[p.Draw], math.Log(p.Variant/p.Base))
	}
	n, squares, total := 0, 0.0, 0.0
	repeated := 0
	for _, g := range groups {
		n += len(g)
		squares += float64(len(g) * len(g))
		if len(g) > 1 {
			repeated++
		}
		for _, x := range g {
			total += x
		}
	}
	k := len(groups)
	if repeated < leastDraws {
		return Placement{}, false
	}
	mean := total / float64(n)
	between, within := 0.0, 0.0
	for _, g := range groups {
		sum := 0.0
		for _, x := range g {
			sum += x
		}
		own := sum / float64(len(g))
		between += float64(len(g)) * (own - mean) * (own - mean)
		for _, x := range g {
			within += (x - own) * (x - own)
		}
	}
	msBetween, msWithin := between/float64(k-1), within/float64(n-k)
	size := (float64(n) - squares/float64(n)) / float64(k-1) // of a group, as the unbalanced model counts it
	layouts := max(0, (msBetween-msWithin)/size)
	if layouts+msWithin == 0 {
		return Placement{}, false
	}
	return Placement{Share: layouts / (layouts + msWithin), SD: math.Sqrt(layouts)}, true
}

// Placements returns what share of the variance between blocks is placement, for each comparison of a case of which
// that can be said, in the unit of its metric.
func (f *File) Placements() map[string]Placement {
	out := map[string]Placement{}
	byCase := map[string][]*Trial{}
	for i := range f.Trials {
		if t := &f.Trials[i]; t.Stage != 2 && t.Counted == "" {
			byCase[t.Case] = append(byCase[t.Case], t)
		}
	}
	for _, c := range f.Run.Plan.Cases {
		trials := byCase[c.Case]
		for _, pair := range c.Pairs {
			for _, unit := range c.Metrics {
				if p, ok := placement(pairUp(pair, unit, trials).pairs); ok {
					out[PlacementKey(c.Case, unit, pair.Base, pair.Variant)] = p
				}
			}
		}
	}
	return out
}

// PlacementKey is the key of a comparison in [File.Placements].
func PlacementKey(name, unit, base, variant string) string {
	return name + "\x00" + unit + "\x00" + base + "\x00" + variant
}
