package results

import (
	"time"

	"tunelab/results/misuse"
)

// Protocol is the version of the way trials are made. Results of different protocols are not comparable. In 1 the
// processes of a block ran one after another, in the layout that the linker chose; since 2 they may alternate, in layouts
// drawn for each block; since 3 in many short slices, and sub-benchmarks too.
const Protocol = 3

// Run is one execution of a scenario, as it was fixed before the first counted block.
type Run struct {
	ID             string           `json:"run"`
	Scenario       string           `json:"scenario"`
	Question       string           `json:"question"`
	Protocol       int              `json:"protocol"`
	Started        time.Time        `json:"started"`
	Command        []string         `json:"command"`           // the command line that repeats the run, its seed included
	Commit         string           `json:"commit"`            // git revision of the measured module, "" when unknown; "+dirty" appended
	Package        string           `json:"package"`           // import path of the measuring program
	Dir            string           `json:"dir"`               // its folder, relative to the scenario file
	Subject        string           `json:"subject,omitempty"` // import path of the program that it drives
	Cores          string           `json:"cores,omitempty"`   // how the two share the machine, where they don't share every core
	ScenarioSHA256 string           `json:"scenario_sha256"`   // of the scenario file, kept beside as scenario.toml
	Quick          bool             `json:"quick"`             // only the quick cases were asked for
	Flags          []string         `json:"flags,omitempty"`   // that go test would have been given for every variant
	Unlike         []Unlike         `json:"unlike,omitempty"`  // what processes can see that is not as go test has it
	Misuses        []misuse.Finding `json:"misuses,omitempty"` // benchmarks that measure something else than they say
	Host           Host             `json:"host"`
	Calibration    *Trust           `json:"calibration,omitempty"` // nil where the machine was not calibrated
	Plan           Plan             `json:"plan"`
	Warnings       []string         `json:"warnings,omitempty"` // what a reader must know before believing a number

	Variants    []Variant    `json:"-"`
	Metrics     []Metric     `json:"-"`
	Claims      []Claim      `json:"-"`
	Checks      []Check      `json:"-"`
	Facts       []Fact       `json:"-"`
	NotMeasured []Unmeasured `json:"-"`
	Figures     []Figure     `json:"-"`
}

// Host is the machine a run was made on. Runs resume only where CPU, Kernel, Go and Machine are the same.
type Host struct {
	GOOS      string   `json:"goos"`
	GOARCH    string   `json:"goarch"`
	CPU       string   `json:"cpu"`
	Cores     int      `json:"cores"`
	MemoryGiB float64  `json:"memory_gib"`
	NUMANodes int      `json:"numa_nodes,omitempty"` // 0 when unknown
	Kernel    string   `json:"kernel"`
	Go        string   `json:"go"`
	Machine   string   `json:"machine"` // a hash that tells machines apart
	Virtual   string   `json:"virtual,omitempty"`
	Noise     []string `json:"noise,omitempty"` // what the doctor found when the run began, a line each
}

// Trust is what the machine's calibration says of verdicts like this run's.
type Trust struct {
	Made     time.Time `json:"made"`
	Flagged  int       `json:"flagged"`            // comparisons of equal sides that were called different
	Tries    int       `json:"tries"`              // of so many
	Smallest float64   `json:"smallest,omitempty"` // slowdown that was found in 80 % of tries with every benchmark, as a share; 0: none
	Stale    string    `json:"stale,omitempty"`    // in what the machine is no longer the one that was calibrated
}

// Plan is what nothing changes after the first counted block.
type Plan struct {
	Seed     uint64        `json:"seed"`
	Alpha    float64       `json:"alpha"`     // error rate of one comparison, looks included
	Looks    []int         `json:"looks"`     // numbers of blocks at which a comparison may stop; the last is the last block
	BudgetMS int64         `json:"budget_ms"` // wall time for everything after the builds
	Layouts  Layouts       `json:"layouts"`
	Confirm  Confirm       `json:"confirm"`
	Reject   Reject        `json:"reject"`
	Cases    []PlannedCase `json:"-"`
}

// Confirm is the second stage, which measures again, in fresh blocks and layouts, what the first one called better or
// worse. The chance that a run in which nothing differs has a false alarm is then at most [Plan.Alpha].
type Confirm struct {
	Comparisons int     `json:"comparisons"`     // of the first stage
	Alpha       float64 `json:"alpha,omitempty"` // error rate of one comparison, one-sided; 0: there is no second stage
	Looks       []int   `json:"looks,omitempty"` // as in [Plan]
	Why         string  `json:"why,omitempty"`   // why there is none for several comparisons, as a person would say it
}

// Reject is the rule by which whole blocks are left out, both sides alike, whatever they measured: those in which the
// machine did too much else. It is fixed before measuring.
type Reject struct {
	// Busy is the share of the machine's CPU time that other programs and the hypervisor (steal) may take during a block;
	// 0: no block is left out.
	Busy float64 `json:"busy,omitempty"`
	Why  string  `json:"why,omitempty"` // why it is that much, as a person would say it
}

// Layouts says in which link layouts the builds are measured.
type Layouts struct {
	// Count is how many each build was linked in; a block draws one for each side. With 0 there is one, the linker's
	// own, and a verdict about variants of different builds is one about two binaries, not about the code.
	Count int    `json:"count"`
	Why   string `json:"why"` // why it is that many, as a person would say it
}

// LastBlock returns the number of blocks after which a case ends whatever is known.
func (p Plan) LastBlock() int {
	if len(p.Looks) == 0 {
		return 0
	}
	return p.Looks[len(p.Looks)-1]
}

// PlannedCase is one benchmark row and what will be compared in it.
type PlannedCase struct {
	Case      string    `json:"case"`
	N         int       `json:"n"`                   // iterations of every trial, the same for all variants
	Procs     int       `json:"procs"`               // the -N suffix of its result lines, 0 for none
	Variants  []string  `json:"variants"`            // those that a block runs
	Pairs     []Pair    `json:"pairs"`               // what is compared
	Metrics   []string  `json:"metrics"`             // the primary metrics that the case reports
	BlockMS   float64   `json:"block_ms"`            // cost of a block by the pilot
	TimeoutMS int64     `json:"timeout_ms"`          // after which a trial is ended
	Counting  *Counting `json:"counting,omitempty"`  // nil where instructions are not counted
	Processes *Levels   `json:"processes,omitempty"` // how a block's processes share the time; nil in files of protocol 1
	Pilot     []int64   `json:"pilot_ms,omitempty"`  // wall times of the trials that did not count
	Warnings  []string  `json:"warnings,omitempty"`  // seen in the pilot
}

// Instructions is the unit that no benchmark reports: the harness counts it.
const Instructions = "instructions/op"

// CountBlocks is in how many blocks instructions are counted: the fewest from which a change can be told at 5 %.
const CountBlocks = 6

// Counting says how a case's instructions are counted: of two processes, that run From and To iterations, the difference.
type Counting struct {
	Tool   string  `json:"tool"` // "perf" or "callgrind"
	From   int     `json:"from"`
	To     int     `json:"to"`
	CostMS float64 `json:"cost_ms"` // of both processes
}

// Alternates reports whether the processes of the case's blocks live side by side.
func (c *PlannedCase) Alternates() bool { return c.Processes != nil && c.Processes.Rounds > 0 }

// Levels says how a block's processes share the time, and what in the pilot that was chosen by.
type Levels struct {
	Rounds  int     `json:"rounds"`             // slices of each process, which alternate; 0: processes run one after another
	Why     string  `json:"why"`                // the rule that decided it, as a person would say it
	SliceMS float64 `json:"slice_ms,omitempty"` // of a slice, the timed part
	CostMS  float64 `json:"cost_ms,omitempty"`  // of a slice, everything
	StartMS float64 `json:"start_ms,omitempty"` // of starting a process, warming it up and ending it
	Counts  string  `json:"counts,omitempty"`   // how the benchmark counts, where every process can be told: N or Loop
	// By Kalibera and Jones, of the log-ratio of two processes of the base: of one round, of the means of two processes
	// beyond what the rounds explain, and beyond both when each is linked in a layout of its own.
	RoundSD   float64 `json:"round_sd,omitempty"`
	ProcessSD float64 `json:"process_sd,omitempty"`
	LayoutSD  float64 `json:"layout_sd,omitempty"`
}

// Pair names a variant and what it is compared with.
type Pair struct {
	Base    string `json:"base"`
	Variant string `json:"variant"`
}

// Variant is one answer to try.
type Variant struct {
	Name    string `json:"variant"`
	Base    bool   `json:"base,omitempty"`
	Sets    string `json:"sets"`               // what it sets, as a person would say it
	Binary  string `json:"binary"`             // sha256 of the binary that it varies: the subject's where there is one
	Build   string `json:"build,omitempty"`    // `go version -m` of it, main module and settings only
	BuildMS int64  `json:"build_ms,omitempty"` // wall time of its build
	Commit  string `json:"commit,omitempty"`   // full hash of the revision that it was built from, where it names one
	Subject string `json:"subject,omitempty"`  // first line of that commit's message
	Bytes   int64  `json:"bytes,omitempty"`    // size of its binary

	Driver      string            `json:"driver,omitempty"`       // sha256 of the test binary, where Binary is the subject's
	Profile     string            `json:"profile,omitempty"`      // the CPU profile that it was built with, in the run's folder
	TrainMS     int64             `json:"train_ms,omitempty"`     // wall time of taking that
	Allow       []string          `json:"allow,omitempty"`        // outcomes of its trials that are results
	MemoryLimit int64             `json:"memory_limit,omitempty"` // bytes
	Axes        map[string]string `json:"axes,omitempty"`         // where a matrix made it: axis and value
}

// Metric is a benchmark unit and how it is judged.
type Metric struct {
	Unit      string  `json:"metric"`
	Better    string  `json:"better"`               // "lower" or "higher"
	Margin    float64 `json:"margin"`               // `same` means a ratio within [1/(1+m), 1+m]
	MarginAbs float64 `json:"margin_abs,omitempty"` // the same for differences, where values can be 0
	Exact     bool    `json:"exact,omitempty"`      // a count: compared exactly where it has no noise
}

// Claim is a figure or a fact that somebody published.
type Claim struct {
	ID        string         `json:"id"`
	Says      string         `json:"says"`
	Kind      string         `json:"kind"` // "ratio", "value", "exists", "missing"
	Case      string         `json:"case,omitempty"`
	Metric    string         `json:"metric,omitempty"`
	Variant   string         `json:"variant,omitempty"`
	Against   string         `json:"against,omitempty"` // what Variant is compared with; the base when empty
	Ratio     float64        `json:"ratio,omitempty"`   // variant ÷ against, as published
	Value     float64        `json:"value,omitempty"`
	Tolerance float64        `json:"tolerance,omitempty"` // of a value: within [v/(1+t), v·(1+t)] counts as the value
	Test      string         `json:"test,omitempty"`
	Requires  map[string]int `json:"requires,omitempty"`
}

// Check is a variant's correctness test. A variant that fails it gets no number.
type Check struct {
	Variant string `json:"check"`
	Passed  bool   `json:"passed"`
	Tests   int    `json:"tests"`            // how many tests ran
	Output  string `json:"output,omitempty"` // its last output when it failed
}

// Fact is what a test that decides a claim ran and saw.
type Fact struct {
	Claim  string `json:"fact"`
	Test   string `json:"test"`
	Passed bool   `json:"passed"`
	Saw    string `json:"saw"` // what the test logged

	Binary string  `json:"binary,omitempty"` // first 12 hex digits of the sha256 of the test binary
	WallMS float64 `json:"wall_ms,omitempty"`
	Output string  `json:"output,omitempty"` // its last output, when it failed
}

// Figure is something that the report works out of several comparisons; see scenarios.Figure for its kinds.
type Figure struct {
	Kind      string       `json:"figure"`
	Title     string       `json:"title"`
	Case      string       `json:"case,omitempty"`
	Cases     []string     `json:"cases,omitempty"`
	Metric    string       `json:"metric,omitempty"`
	Metrics   []string     `json:"metrics,omitempty"`
	Axis      string       `json:"axis,omitempty"`
	Variants  []string     `json:"variants,omitempty"`
	Factors   []string     `json:"factors,omitempty"`
	Threshold *float64     `json:"threshold,omitempty"`
	Limit     *FigureLimit `json:"limit,omitempty"`
	Variant   string       `json:"variant,omitempty"`
	Count     string       `json:"count,omitempty"`
	Cost      *FigureCost  `json:"cost,omitempty"`
}

// FigureLimit is what a recommended setting stays within.
type FigureLimit struct {
	Metric string  `json:"metric"`
	Most   float64 `json:"most"`
}

// FigureCost is where the time of one operation is measured.
type FigureCost struct {
	Case    string `json:"case"`
	Metric  string `json:"metric"`
	Variant string `json:"variant"`
}

// Unmeasured is a case or a variant without a number, and why.
type Unmeasured struct {
	Case    string     `json:"not_measured"`
	Variant string     `json:"of,omitempty"`   // "" for the whole case
	Code    ReasonCode `json:"code,omitempty"` // "" in files of before it was kept
	In      string     `json:"in,omitempty"`   // the variant that the reason is about
	Why     string     `json:"why"`            // the same for people, with what was printed
}

// A ReasonCode says why something was not measured.
type ReasonCode string

// Why something was not measured.
const (
	NoRoom    ReasonCode = "no room"   // the budget can't hold it
	OnlyIn    ReasonCode = "only in"   // one variant alone has it
	Breaks    ReasonCode = "breaks"    // it fails, hangs or takes too long
	Skipped   ReasonCode = "skipped"   // it skips itself
	NotQuick  ReasonCode = "not quick" // the quick form leaves it out
	Incorrect ReasonCode = "incorrect" // the variant fails its correctness test
	NoLimits  ReasonCode = "no limits" // the variant's limits can't be set here
	NoMetric  ReasonCode = "no metric" // it reports none of the primary metrics
	Unknown   ReasonCode = "not found" // its process ended before it was found
)

// Outcome is how a trial ended.
type Outcome string

// The outcomes. All but OK drop the pair from timing and are shown.
const (
	OK      Outcome = "ok"
	Failed  Outcome = "failed"
	Timeout Outcome = "timeout"
	OOM     Outcome = "oom"
)

// Trial is one fresh process that ran one case of one variant.
type Trial struct {
	Trial       int               `json:"trial"` // from 1, in the order of the file
	Case        string            `json:"case"`
	Block       int               `json:"block"`           // from 1, in each stage
	Stage       int               `json:"stage,omitempty"` // 2: of the second stage
	Order       int               `json:"order"`           // place in the block, from 1
	Variant     string            `json:"variant"`
	Outcome     Outcome           `json:"outcome"`
	Axes        map[string]string `json:"axes,omitempty"`    // of the variant, where a matrix made it
	Why         string            `json:"why,omitempty"`     // what went wrong
	Output      string            `json:"output,omitempty"`  // the last output, when something went wrong
	Layout      uint64            `json:"layout"`            // seed of the link order; 0: as the linker has it
	Counted     string            `json:"counted,omitempty"` // the tool, of a trial that counted instructions and measured nothing else
	Draw        int               `json:"draw,omitempty"`    // of the plan's layouts, the one that the block drew, from 1
	Binary      string            `json:"binary"`            // first 12 hex digits of the sha256
	StartMS     int64             `json:"start_ms"`          // since measuring began, time of earlier sessions of a resumed run included
	WallMS      float64           `json:"wall_ms"`
	UserMS      float64           `json:"user_ms"`
	SystemMS    float64           `json:"system_ms"`
	StealMS     float64           `json:"steal_ms"`   // whole machine, in ticks of 10 ms
	ForeignMS   float64           `json:"foreign_ms"` // CPU time of everything else on the machine, in ticks of 10 ms
	Load1       float64           `json:"load1"`
	Voluntary   int64             `json:"voluntary"`   // context switches of the trial
	Involuntary int64             `json:"involuntary"` // context switches forced on it

	// Where the processes of a block lived side by side and alternated, those with the same number did so together, and
	// Slices has a value for each round, of each primary metric. Iterations is then of one slice, and a value of the
	// result line the mean of the middle half of the slices' values.
	Party  int                  `json:"party,omitempty"`
	Slices map[string][]float64 `json:"slices,omitempty"`
	// WaitingMS is the CPU time that the process used while the others had their turn.
	WaitingMS float64 `json:"waiting_ms,omitempty"`

	Iterations int     `json:"-"`
	Procs      int     `json:"-"` // the -N suffix of the result line, 0 for none
	Values     []Value `json:"-"` // in the order of the result line; present only when Outcome is OK
}

// Value is one measurement in the unit as the benchmark declared it.
type Value struct {
	Value float64
	Unit  string
}

// Get returns the trial's value in unit.
func (t *Trial) Get(unit string) (float64, bool) {
	for _, v := range t.Values {
		if v.Unit == unit {
			return v.Value, true
		}
	}
	return 0, false
}

// Values returns what the trials of a case and variant that ended well report in unit, in the order in which they ran,
// and how many of its trials did not end well.
func (f *File) Values(name, variant, unit string) (values []float64, bad int) {
	for i := range f.Trials {
		t := &f.Trials[i]
		if t.Case != name || t.Variant != variant {
			continue
		}
		if v, ok := t.Get(unit); ok && t.Outcome == OK {
			values = append(values, v)
		} else if t.Outcome != OK {
			bad++
		}
	}
	return values, bad
}

// Done says that measuring ended, and why. No trial follows.
type Done struct {
	Why       string `json:"done"` // "decided", "last block" or "budget"
	ElapsedMS int64  `json:"elapsed_ms"`
}

// A Profile is a file that a profiler left, in trials of its own that no verdict is computed from.
type Profile struct {
	Kind    string `json:"profile"` // "cpu", "mutex", "block", "heap" or "goroutineleak"
	Variant string `json:"variant"`
	Case    string `json:"case"`
	Repeat  int    `json:"repeat,omitempty"` // from 1; 0: all repeats merged
	File    string `json:"file,omitempty"`   // in the run's folder, with slashes
	Why     string `json:"why,omitempty"`    // there is none
}

// Base returns the name of the base variant.
func (r *Run) Base() string {
	for _, v := range r.Variants {
		if v.Base {
			return v.Name
		}
	}
	return ""
}

// Metric returns the primary metric of that unit.
func (r *Run) Metric(unit string) (Metric, bool) {
	for _, m := range r.Metrics {
		if m.Unit == unit {
			return m, true
		}
	}
	return Metric{}, false
}

// Case returns the planned case of that name.
func (p *Plan) Case(name string) (PlannedCase, bool) {
	for _, c := range p.Cases {
		if c.Case == name {
			return c, true
		}
	}
	return PlannedCase{}, false
}
