package harness

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"tunelab/results"
	"tunelab/scenarios"
)

const (
	// UsualLayouts is how many link layouts every build gets where nobody says how many.
	UsualLayouts = 16
	// Linking them may take about linkingShare of the budget's length, and no more than linkingAtMost.
	linkingShare  = 0.25
	linkingAtMost = 2 * time.Minute
	// linkingWorth is the least time in which enough are linked.
	linkingWorth = 2 * time.Second
	// atOnce is how many are linked at the same time: the linker works on one CPU for most of its time.
	atOnce = 2
	// linkedBytes is how much they may take of the folder for temporary files.
	linkedBytes = 1 << 30
)

// wanted returns how many layouts the scenario asks for. Below 0: as many as there is time to link.
func wanted(sc *scenarios.Scenario) results.Layouts {
	if n := sc.Bench.Layouts; n != nil {
		return results.Layouts{Count: *n, Why: "the scenario says so"}
	}
	for _, v := range sc.Variants {
		for _, f := range v.Flags {
			if strings.Contains(f, "randlayout") {
				return results.Layouts{Why: "variant " + v.Name + " sets its own"}
			}
		}
	}
	if len(sc.Metrics.Primary) > 0 && !slices.ContainsFunc(sc.Metrics.Primary, func(unit string) bool { return !isCount(unit) }) {
		return results.Layouts{Why: "what is counted does not depend on it"}
	}
	if flags := goflags(sc); strings.Contains(flags, "ldflags") {
		return results.Layouts{Why: "GOFLAGS has linker flags, which those for a layout would replace"}
	}
	return results.Layouts{Count: -1}
}

// goflags returns what the environment and the variants give the go command besides.
func goflags(sc *scenarios.Scenario) string {
	all := os.Getenv("GOFLAGS")
	for _, v := range sc.Variants {
		all += " " + v.BuildEnv["GOFLAGS"]
	}
	return all
}

// relink links every build again in the layouts that blocks will draw from. Only the link order differs, so that Go's
// cache has all packages.
func (s *session) relink(ctx context.Context, b *builder, want results.Layouts) error {
	s.layouts = want
	if want.Count == 0 {
		return nil
	}
	builds := map[string]bool{}
	for _, v := range s.variants {
		builds[buildKey(s.binaries[v.Name].target, s.binaries[v.Name].set)] = true
	}
	s.builder = b
	limit := s.options.Linking
	if limit == 0 {
		limit = min(time.Duration(linkingShare*float64(s.options.Budget)), linkingAtMost)
	}
	if want.Count < 0 && limit < linkingWorth {
		s.layouts = results.Layouts{Why: "the budget is too short to link many"}
		return nil
	}
	if want.Count < 0 { // the first of all says how long it takes
		began := time.Now()
		if err := s.linkLayout(ctx, s.variants[0], 1, 2); err != nil && ctx.Err() == nil {
			s.layouts = results.Layouts{Why: "it can't be linked in another: " + firstLine(err.Error())}
			return nil // nobody asked for it
		} else if err != nil {
			return err
		}
		s.layouts = affordable(limit, time.Since(began)/atOnce, len(builds), s.binaries[s.variants[0].Name].varied().bytes)
	}
	return s.linkLayouts(ctx, s.variants, 1)
}

// relinkSecond links as many layouts again, for the variants that the second stage needs.
func (s *session) relinkSecond(ctx context.Context, need map[string]bool) error {
	var list []scenarios.Variant
	for _, b := range s.binaries { // their room is needed
		for draw, bin := range b.layouts {
			os.Remove(bin.path) // shared builds are removed once
			delete(b.layouts, draw)
		}
	}
	for _, v := range s.variants {
		if need[v.Name] {
			list = append(list, v)
		}
	}
	return s.linkLayouts(ctx, list, 1+s.layouts.Count)
}

// linkLayouts links as many layouts as the plan has of each of the variants' builds, the first for the given draw.
func (s *session) linkLayouts(ctx context.Context, list []scenarios.Variant, first int) error {
	told := map[string]bool{}
	for _, v := range list {
		if key := buildKey(s.binaries[v.Name].target, s.binaries[v.Name].set); !told[key] && s.layouts.Count > 0 {
			told[key] = true
			s.tell(Progress{Stage: StageBuild, Text: fmt.Sprintf("linking %s in %d layouts", v.Name, s.layouts.Count)})
		}
		for draw := first; draw < first+s.layouts.Count; draw += atOnce {
			var draws []int
			for d := draw; d < min(draw+atOnce, first+s.layouts.Count); d++ {
				draws = append(draws, d)
			}
			if err := s.linkLayout(ctx, v, draws...); err != nil {
				return err
			}
		}
	}
	return nil
}

// affordable returns how many layouts there is time to link within limit, and room to keep.
func affordable(limit, link time.Duration, builds int, size int64) results.Layouts {
	count := min(UsualLayouts, int(limit/max(1, link*time.Duration(builds))), int(linkedBytes/max(1, size*int64(builds))))
	if count < scenarios.LeastLayouts {
		return results.Layouts{Why: fmt.Sprintf("%d layouts of %d builds would take %v and %d MiB to link; layouts under [bench] asks for them",
			scenarios.LeastLayouts, builds, (link * time.Duration(builds*scenarios.LeastLayouts)).Round(time.Second), size*int64(builds)*scenarios.LeastLayouts>>20)}
	}
	return results.Layouts{Count: count, Why: fmt.Sprintf("linking one takes %v", link.Round(100*time.Millisecond))}
}

// linkLayout links the variant's build for these draws, at the same time.
func (s *session) linkLayout(ctx context.Context, v scenarios.Variant, draws ...int) error {
	done := s.binaries[v.Name]
	var orders []order
	for _, draw := range draws {
		set := done.set
		set.layout = s.layoutOf(done, draw)
		orders = append(orders, order{fmt.Sprintf("variant %s in layout %d", v.Name, draw), done.target, set})
	}
	list, err := s.builder.buildAll(ctx, orders...)
	if err != nil {
		return err
	}
	if done.layouts == nil {
		done.layouts = map[int]*binary{}
	}
	for i, draw := range draws {
		done.layouts[draw] = list[i]
	}
	s.binaries[v.Name] = done
	return nil
}

// layoutOf is the seed of a build's layout.
func (s *session) layoutOf(b built, draw int) uint64 {
	own := ""
	if s.options.OwnLayouts {
		own = buildKey(b.target, b.set)
	}
	return layoutSeed(s.seed, own, draw)
}

// layoutSeed is what -randlayout gets for a draw: not 0, which turns it off, and of 31 bits, which is what the linker reads.
// All builds have the same, so that the linker brings those with equally many functions into one order, as when a change is
// within some: then what a layout does to both is in neither's favour (common random numbers). On a 2-core virtual machine
// the log-ratio of equal sides in one block had a standard deviation of 10 to 18 % in four loops of 200 steps when each
// side drew for itself, and of 1 to 7 % so. With another number of functions the orders have nothing in common. A name in
// own gives a build seeds of its own.
func layoutSeed(seed uint64, own string, draw int) uint64 {
	h := fnv.New64a()
	h.Write([]byte("layout\x00" + own))
	r := rand.New(rand.NewPCG(seed^h.Sum64(), uint64(draw)))
	return 1 + uint64(r.Int32N(1<<31-2))
}

// withLayout adds the seed to the linker's flags, where there are some already to the last of them: the go command
// takes only that. Debugging information is left out: nobody debugs these, and without it linking takes half of the time.
func withLayout(flags []string, layout uint64) []string {
	if layout == 0 {
		return flags
	}
	out := append([]string{}, flags...)
	for i := len(out) - 1; i >= 0; i-- {
		name, _, whole := strings.Cut(strings.TrimLeft(out[i], "-"), "=")
		if name != "ldflags" || !whole && i+1 == len(out) {
			continue
		}
		if !whole {
			i++
		}
		out[i] += fmt.Sprintf(" -w -randlayout=%d", layout)
		return out
	}
	return append(out, fmt.Sprintf("-ldflags=-w -randlayout=%d", layout))
}

// blockDraw returns which of the layouts, from 1, a block of the case has its binaries in: all of them come once, in an
// order drawn anew, before one comes again. It is 0 when there are none.
func blockDraw(seed uint64, name string, block, count int) int {
	if count == 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte("draws\x00" + name))
	r := rand.New(rand.NewPCG(seed^h.Sum64(), uint64((block-1)/count)))
	return 1 + r.Perm(count)[(block-1)%count]
}

// binary returns what the variant is measured with, in the layout of the block that is running.
func (s *session) binary(v scenarios.Variant) built {
	b := s.binaries[v.Name]
	draw := s.draw
	if s.inStage == 2 && draw > 0 {
		draw += s.layouts.Count
	}
	bin, ok := b.layouts[draw]
	switch {
	case !ok:
	case b.subject != nil:
		b.subject = bin
	default:
		b.bench = bin
	}
	return b
}
