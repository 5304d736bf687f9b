package reports

import (
	"fmt"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
)

// A plannedCase is a row of the plan's table of cases.
type plannedCase struct {
	Case, Variants, Metrics, N, Block, Timeout string
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
		{"layouts", s.layouts()},
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
			Block: number.Milliseconds(c.BlockMS), Timeout: number.Milliseconds(float64(c.TimeoutMS)),
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

// layouts labels what a verdict is about: binaries as they were linked, or code whatever its layout.
func (s *Summary) layouts() string {
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
