package results

// Unlike is one thing in which what a measured process can see is not what `go test -bench` shows it.
type Unlike struct {
	Code   UnlikeCode `json:"code"`
	Detail string     `json:"detail,omitempty"` // of what, as the code says
}

// An UnlikeCode says in what.
type UnlikeCode string

// In what a process can see something else than under go test.
const (
	// UnlikeRepeated: its processes are kept alive, and a benchmark is called with a b.N of 1, then again and again with the
	// plan's. go test has b.N grow in each process, until the benchmark takes a second.
	UnlikeRepeated UnlikeCode = "repeated"
	// UnlikeTold: the number of iterations is the plan's, after one of 1.
	UnlikeTold UnlikeCode = "told"
	// UnlikeFlags: it is told what to do by flags, -test.benchtime, -test.benchmem and -test.v among them; the detail is why.
	UnlikeFlags UnlikeCode = "flags"
	// UnlikeMarked: its environment has a variable by which its processes are found; the detail is its name.
	UnlikeMarked UnlikeCode = "marked"
	// UnlikeListed: where the cases are found, -test.skip leaves out those of other variants.
	UnlikeListed UnlikeCode = "listed"
	// UnlikeVariables: its environment has variables that tell it of a subject or of limits; the detail are their names.
	UnlikeVariables UnlikeCode = "variables"
	// UnlikeCounted: where instructions are counted, GOMAXPROCS is 1 and GOGC off; the detail is what counts.
	UnlikeCounted UnlikeCode = "counted"
	// UnlikePlace: some variants are built and run in checkouts, in another folder.
	UnlikePlace UnlikeCode = "place"
)
