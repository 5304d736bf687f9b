package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"

	"tunelab/reports/internal/plain"
)

// An indexPage is what the template of the index shows.
type indexPage struct {
	Title string
	CSS   template.CSS
	Runs  []indexRun
}

// An indexRun is one run in the index.
type indexRun struct {
	Link, Question, Answer, Started, Name, Machine string
	Badges                                         []badge
}

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
	view := indexPage{Title: count(len(summaries), "run", "runs"), CSS: template.CSS(stylesheet)}
	for _, i := range order {
		s := summaries[i]
		run := indexRun{Link: links[i], Question: plain.Elide(s.Question, maxNameShown), Answer: bound(s.Answer), Name: s.Name, Machine: s.machineLine(), Badges: s.badges()}
		if run.Question == "" {
			run.Question = s.Name
		}
		if started := s.File.Run.Started; !started.IsZero() {
			run.Started = started.UTC().Format("2006-01-02 15:04 UTC")
		}
		view.Runs = append(view.Runs, run)
	}
	return write(w, "the index", indexText, view)
}
