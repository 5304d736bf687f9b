package reports

import (
	"fmt"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results"
)

// A plannedCase is a row of the plan's table of cases.
type plannedCase struct {
	Case, Variants, Metrics, N, Processes, Block, Timeout string
}

// setPlan tells what was fixed before the first counted block, and how measuring ended.
func (s *Summary) setPlan() {
	run := s.File.Run
	p := run.Plan
	looks := make([]string, len(p.Looks))
	for i, n := range p.Looks {
		looks[i] = fmt.Sprint(n)
	}
	s.ended = s.ending()
	s.plan = []fact{
		{"run", s.Name},
		{"scenario", plain.Clean(run.Scenario)},
		{"scenario file, sha256", plain.Clean(run.ScenarioSHA256)},
		{"started", ""},
		{"ended", s.ended},
		{"measured program", plain.Clean(run.Package)},
		{"program under test", plain.Clean(run.Subject)},
		{"cores", plain.Clean(run.Cores)},
		{"commit", plain.Clean(run.Commit)},
		{"protocol", fmt.Sprint(run.Protocol)},
		{"seed", fmt.Sprint(p.Seed)},
		{"looks, in blocks", strings.Join(looks, ", ")},
		{"alpha", fmt.Sprint(p.Alpha)},
		{"budget", number.Milliseconds(float64(p.BudgetMS))},
		{"second stage", secondStage(p)},
		{"flags of go test", plain.Clean(strings.Join(run.Flags, " "))},
		{"unlike go test", s.unlike()},
		{"layouts", s.layouts()},
		{"placement", s.placement()},
		{"trust", s.trust()},
	}
	if !run.Started.IsZero() {
		s.plan[3].Value = run.Started.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if run.Quick {
		s.plan = append(s.plan, fact{"quick", "only the scenario's quick cases"})
	}
	for _, m := range run.Metrics {
		value := fmt.Sprintf("%s is better; same means within %s", m.Better, metricMargin(m))
		if m.Exact {
			value += "; a count, compared exactly where it has no noise"
		}
		s.plan = append(s.plan, fact{plain.Clean(m.Unit), value})
	}
	s.plan = withoutEmpty(s.plan)
	for _, c := range p.Cases {
		row := plannedCase{
			Case: plain.Clean(c.Case), N: fmt.Sprint(c.N),
			Processes: processes(c.Processes), Block: number.Milliseconds(c.BlockMS), Timeout: number.Milliseconds(float64(c.TimeoutMS)),
		}
		row.Variants, row.Metrics = cleanList(c.Variants), cleanList(c.Metrics)
		s.perCase = append(s.perCase, row)
	}
}

func (s *Summary) ending() string {
	d := s.File.Done
	if d == nil {
		return fmt.Sprintf("unfinished, after %s", count(len(s.File.Trials), "trial", "trials"))
	}
	why := plain.Clean(d.Why)
	switch d.Why {
	case "decided":
		if len(s.Comparisons) == 0 {
			return "nothing was compared"
		}
		why = "every comparison was decided"
	case "last block":
		why = "the last block of the plan was measured"
	case "budget":
		why = "the budget was used up"
	}
	return fmt.Sprintf("%s, after %s and %s", why, number.Milliseconds(float64(d.ElapsedMS)), count(len(s.File.Trials), "trial", "trials"))
}

// trust is what the machine's calibration says of the verdicts.
func (s *Summary) trust() string {
	t := s.File.Run.Calibration
	switch {
	case t == nil:
		return "this machine is not calibrated: tunelab calibrate measures how often verdicts are wrong on it"
	case t.Stale != "":
		return "the machine's calibration is stale (" + plain.Clean(t.Stale) + "): tunelab calibrate"
	case t.Tries == 0:
		return "the machine's calibration compared nothing: tunelab calibrate with a larger budget"
	}
	text := fmt.Sprintf("calibrated %s: %d of %d comparisons of equal sides were called different", t.Made.Format("2006-01-02"), t.Flagged, t.Tries)
	if t.Smallest > 0 {
		text += fmt.Sprintf(", and a slowdown of %s was found in at least 80 %% of tries", number.Percent(t.Smallest))
	}
	return text
}

// secondStage says what becomes of verdicts when there are many.
func secondStage(p results.Plan) string {
	if p.Confirm.Alpha == 0 && p.Confirm.Why == "" {
		return ""
	}
	if p.Confirm.Alpha == 0 {
		return fmt.Sprintf("what is found better or worse is not measured again (%s): were all sides equal, about %.2g of %d comparisons would be called different; "+
			"q stands beside p for that", plain.Clean(p.Confirm.Why), float64(p.Confirm.Comparisons)*p.Alpha, p.Confirm.Comparisons)
	}
	counted := ""
	if slices.ContainsFunc(p.Cases, func(c results.PlannedCase) bool { return c.Counting != nil }) {
		counted = "; instructions are counted in six blocks, with an error of 3 % each, and are not among them"
	}
	return fmt.Sprintf("what is found better or worse is measured again, in fresh blocks (and layouts, where they are drawn), one-sided at %.3g: "+
		"a run of %d comparisons in which nothing differs raises a false alarm with a chance of at most %s",
		p.Confirm.Alpha, p.Confirm.Comparisons, number.Percent(float64(p.Confirm.Comparisons)*p.Alpha*p.Confirm.Alpha)) + counted
}

// processes says how a block's processes share the time.
func processes(l *results.Levels) string {
	switch {
	case l == nil:
		return "one after another"
	case l.Rounds == 0:
		return "one after another: " + plain.Clean(l.Why)
	}
	text := fmt.Sprintf("side by side, alternating %d slices of %s", l.Rounds, number.Milliseconds(l.SliceMS))
	if l.RoundSD > 0 {
		text += fmt.Sprintf("; the pilot's standard deviations: %s between rounds, %s between processes", number.Percent(l.RoundSD), number.Percent(l.ProcessSD))
	}
	if l.LayoutSD > 0 {
		text += fmt.Sprintf(", %s between layouts", number.Percent(l.LayoutSD))
	}
	return text
}

// layouts labels what a verdict is about: binaries as they were linked, or code whatever its layout.
func (s *Summary) layouts() string {
	if l := s.File.Run.Plan.Layouts; l.Count > 0 {
		return fmt.Sprintf("%d of each build, of which a block draws one: the verdicts are about the code (%s)", l.Count, plain.Clean(l.Why))
	}
	if l := s.File.Run.Plan.Layouts; l.Why != "" {
		return "one per build, as the linker has it: verdicts about different builds are about these binaries (" + plain.Clean(l.Why) + ")"
	}
	seeds := map[uint64]bool{}
	for i := range s.File.Trials {
		seeds[s.File.Trials[i].Layout] = true
	}
	switch {
	case len(seeds) == 0:
		return ""
	case len(seeds) == 1 && seeds[0]:
		return "one per variant, as the linker has it: the verdicts are about these binaries"
	case len(seeds) == 1:
		return "one per variant, drawn at random: the verdicts are about these binaries"
	}
	return fmt.Sprintf("%d, drawn at random: the verdicts are about the code", len(seeds))
}

// placement says how much of the variance between blocks lies in where the linker put things, "" where that is not known.
func (s *Summary) placement() string {
	known := s.File.Placements()
	if len(known) == 0 {
		return ""
	}
	var shares []float64
	most, where := 0.0, ""
	for _, c := range s.Comparisons {
		p, ok := known[results.PlacementKey(c.Case, c.Metric, c.Base, c.Variant)]
		if !ok {
			continue
		}
		shares = append(shares, p.Share)
		if p.Share > most {
			most, where = p.Share, fmt.Sprintf("%s of %s in %s", plain.Clean(c.Metric), plain.Clean(c.Variant), plain.Clean(c.Case))
		}
	}
	if most == 0 {
		return "where the linker puts things makes none of the variance between blocks"
	}
	slices.Sort(shares)
	return fmt.Sprintf("where the linker puts things makes %s of the variance between blocks, by the median comparison; at most %s (%s)",
		number.Percent(shares[len(shares)/2]), number.Percent(most), where)
}

// setMachine tells what the run was measured on.
func (s *Summary) setMachine() {
	h := s.File.Run.Host
	s.machine = []fact{
		{"CPU", plain.Clean(h.CPU)},
		{"cores", positive(float64(h.Cores), "%.0f")},
		{"memory", positive(h.MemoryGiB, "%.3g GiB")},
		{"NUMA nodes", positive(float64(h.NUMANodes), "%.0f")},
		{"system", strings.TrimSpace(plain.Clean(h.GOOS) + " " + plain.Clean(h.GOARCH) + " " + plain.Clean(h.Kernel))},
		{"Go", plain.Clean(h.Go)},
		{"virtual", plain.Clean(h.Virtual)},
		{"machine", plain.Clean(h.Machine)},
	}
	s.machine = withoutEmpty(s.machine)
}

// machineLine is the machine in one line.
func (s *Summary) machineLine() string {
	h := s.File.Run.Host
	var parts []string
	for _, p := range []string{plain.Clean(h.CPU), positive(float64(h.Cores), "%.0f cores"), positive(h.MemoryGiB, "%.3g GiB"), plain.Clean(h.Virtual), plain.Clean(h.Go), plain.Clean(h.Kernel)} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

func positive(x float64, format string) string {
	if !(x > 0) {
		return ""
	}
	return fmt.Sprintf(format, x)
}

func withoutEmpty(facts []fact) []fact {
	var out []fact
	for _, f := range facts {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

func cleanList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = plain.Clean(n)
	}
	return strings.Join(out, ", ")
}
