package harness

import (
	"slices"

	"tunelab/harness/internal/process"
	"tunelab/results"
	"tunelab/scenarios"
)

// unlike is in what processes of the plan can see something else than under go test.
func (s *session) unlike(p results.Plan) []results.Unlike {
	var out []results.Unlike
	add := func(code results.UnlikeCode, detail string) {
		if u := (results.Unlike{Code: code, Detail: detail}); !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	for _, c := range p.Cases {
		if c.Alternates() {
			add(results.UnlikeRepeated, "")
		} else {
			add(results.UnlikeTold, "")
		}
		if c.Counting != nil {
			add(results.UnlikeCounted, c.Counting.Tool)
		}
	}
	for _, v := range s.variants {
		if bin := s.binaries[v.Name].bench; !bin.serves {
			add(results.UnlikeFlags, bin.unserved)
		}
		if othersPattern(s.scenario.Variants, v) != "" {
			add(results.UnlikeListed, "")
		}
		if v.Limits != (scenarios.Limits{}) {
			add(results.UnlikeVariables, memoryLimitVar)
		}
		if v.Rev != "" {
			add(results.UnlikePlace, "")
		}
	}
	if s.scenario.HasSubject() {
		add(results.UnlikeVariables, subjectVar)
	}
	if s.children.Marks() {
		add(results.UnlikeMarked, process.TokenVar)
	}
	return out
}
