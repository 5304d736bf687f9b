package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"tunelab/reports/internal/plain"
	"tunelab/results"
)

// An indexPage is what the template of the index shows.
type indexPage struct {
	Title string
	Runs  []indexRun
	Data  []runData // what the script filters and compares, a run each
}

// An indexRun is one run in the index.
type indexRun struct {
	Link, Question, Answer, Started, Name, Machine string
	Badges                                         []badge
	Before                                         *beforeView // nil for the first of its kind
}

// A beforeView is how a run's verdicts differ from those of the run before it, of the same scenario on the same machine.
type beforeView struct {
	Name, Scenario, Told string
	Rows                 []beforeRow
}

// A beforeRow is a comparison of which the two runs say different things.
type beforeRow struct{ Case, Metric, Pair, Before, Now string }

// A runData is a run as the script of the index knows it. A comparison is its case, metric, variant and base, verdict and
// change.
type runData struct {
	Name        string      `json:"name"`
	Scenario    string      `json:"scenario"`
	Machine     string      `json:"machine"`
	Verdicts    []string    `json:"verdicts"`
	Comparisons [][5]string `json:"comparisons"`
}

// mostCompared is of how many comparisons of a run the index knows the verdicts: those that changed first.
const mostCompared = 300

// Index writes a page over several runs, the newest first. links holds for each summary where its page is, relative
// to the index, and "" where there is none; it is as long as summaries.
func Index(w io.Writer, summaries []*Summary, links []string) error {
	if len(links) != len(summaries) {
		return fmt.Errorf("making the index: %d links for %d runs", len(links), len(summaries))
	}
	order := make([]int, len(summaries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := summaries[a].File.Run, summaries[b].File.Run
		return cmp.Or(y.Started.Compare(x.Started), cmp.Compare(y.ID, x.ID))
	})
	view := indexPage{Title: count(len(summaries), "run", "runs"), Data: []runData{}}
	for place, i := range order {
		s := summaries[i]
		run := indexRun{Link: links[i], Question: plain.Elide(s.Question, maxNameShown), Answer: bound(s.Answer), Name: s.Name, Machine: s.machineLine(), Badges: s.badges()}
		if run.Question == "" {
			run.Question = s.Name
		}
		if started := s.File.Run.Started; !started.IsZero() {
			run.Started = started.UTC().Format("2006-01-02 15:04 UTC")
		}
		for _, j := range order[place+1:] {
			if b := summaries[j]; b.sameKind(s) {
				run.Before = s.against(b)
				break
			}
		}
		view.Runs, view.Data = append(view.Runs, run), append(view.Data, s.data())
	}
	return write(w, "the index", indexText, view)
}

// sameKind reports whether both are runs of one scenario on one machine.
func (s *Summary) sameKind(b *Summary) bool {
	x, y := s.File.Run, b.File.Run
	return x.Scenario == y.Scenario && x.Host.Machine == y.Host.Machine && x.Host.CPU == y.Host.CPU
}

// finding is a comparison's verdict and change.
func finding(c *results.Comparison) string { return string(c.Verdict) + ", " + change(c) }

// against tells what the run says otherwise than one before it. Only changes against the base are compared: the two runs
// did not have the same minutes.
func (s *Summary) against(before *Summary) *beforeView {
	v := &beforeView{Name: before.Name, Scenario: plain.Clean(s.File.Run.Scenario)}
	both := 0
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		b := before.byPair[pairKey{c.Case, c.Metric, c.Base, c.Variant}]
		if b == nil {
			continue
		}
		both++
		if b.Verdict == c.Verdict {
			continue
		}
		v.Rows = append(v.Rows, beforeRow{plain.Clean(c.Case), plain.Clean(c.Metric), name(c.Variant) + " vs " + name(c.Base), finding(b), finding(c)})
	}
	switch {
	case both == 0:
		v.Told = "nothing that both compared"
	case len(v.Rows) == 0:
		v.Told = fmt.Sprintf("the same verdicts in all of %s", count(both, "comparison", "comparisons"))
	default:
		v.Told = fmt.Sprintf("other verdicts in %d of %s", len(v.Rows), count(both, "comparison", "comparisons"))
	}
	if n := len(v.Rows); n > mostCompared {
		v.Rows = v.Rows[:mostCompared]
		v.Told += fmt.Sprintf(", of which %d are shown", mostCompared)
	}
	return v
}

func (s *Summary) data() runData {
	d := runData{Name: s.Name, Scenario: plain.Clean(s.File.Run.Scenario), Machine: s.machineLine(), Verdicts: []string{}, Comparisons: [][5]string{}}
	for _, b := range s.badges() {
		d.Verdicts = append(d.Verdicts, b.Verdict)
	}
	list := make([]*results.Comparison, len(s.Comparisons))
	for i := range s.Comparisons {
		list[i] = &s.Comparisons[i]
	}
	if len(list) > mostCompared {
		slices.SortStableFunc(list, func(a, b *results.Comparison) int { return compareFloats(strength(b), strength(a)) })
		list = list[:mostCompared]
	}
	for _, c := range list {
		d.Comparisons = append(d.Comparisons, [5]string{
			plain.Clean(c.Case), plain.Clean(c.Metric), strings.Join([]string{name(c.Variant), "vs", name(c.Base)}, " "), string(c.Verdict), change(c),
		})
	}
	return d
}
