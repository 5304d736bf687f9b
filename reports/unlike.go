package reports

import (
	"strings"

	"tunelab/reports/internal/plain"
	"tunelab/results"
)

// unlike says in what processes could see something else than under go test, "" where the file does not tell.
func (s *Summary) unlike() string {
	var parts []string
	for _, u := range s.File.Run.Unlike {
		if text := unlikeText(u); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

func unlikeText(u results.Unlike) string {
	detail := plain.Clean(u.Detail)
	switch u.Code {
	case results.UnlikeRepeated:
		return "processes are kept alive, and a benchmark is called with a b.N of 1 and then again and again with that of the plan"
	case results.UnlikeTold:
		return "b.N is 1 and then that of the plan, it does not grow"
	case results.UnlikeFlags:
		return "it is told what to do by flags, such as -test.benchtime and -test.v: " + detail
	case results.UnlikeMarked:
		return "the environment has " + detail + ", by which processes are found where no cgroup is writable"
	case results.UnlikeListed:
		return "where the cases are found, -test.skip leaves out those of other variants"
	case results.UnlikeVariables:
		return "the environment has " + detail
	case results.UnlikeCounted:
		return "where instructions are counted, by " + detail + ", GOMAXPROCS is 1 and GOGC off"
	case results.UnlikePlace:
		return "revisions are built and run in checkouts, in folders of their own"
	}
	return ""
}
