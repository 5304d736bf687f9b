package calibrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tunelab/harness"
	"tunelab/results"
	"tunelab/scenarios"
)

// Levels are the duties of the noisy neighbour beside which an evaluation measures: shares of one CPU.
var Levels = []float64{0, 0.25, 0.5}

// wantedTries is how many comparisons of equal sides there shall be at each level, and of different layouts at all of them
// together: linking those takes long.
const wantedTries = 400

// A subject is a benchmark that the evaluation measures.
type subject struct {
	name   string
	module string // to be fetched; "" for ours
	dir    string // in the module
	run    string
	extras []string          // what is added to its operations, to see it found
	env    map[string]string // of its processes
	starts bool              // only how much time starting takes is asked
}

// subjects are the four workloads, and benchmarks of public modules that we did not write.
var subjects = []subject{
	{name: "SHA256", run: "^BenchmarkSHA256$", extras: []string{spinExtra, "alloc"}},
	{name: "Chase", run: "^BenchmarkChase$", extras: []string{spinExtra, "hop"}},
	{name: "JSON", run: "^BenchmarkJSON$", extras: []string{spinExtra, "line"}},
	{name: "Mutex", run: "^BenchmarkMutex$", extras: []string{spinExtra}},
	{name: "SHA256 after 500 ms of init", run: "^BenchmarkSHA256$", env: map[string]string{"TUNELAB_INIT": "500ms"}, starts: true},
	{name: "xxhash", module: "github.com/cespare/xxhash/v2@v2.3.0", run: "^BenchmarkSum64$/^100B$"},
	{name: "uuid", module: "github.com/google/uuid@v1.6.0", run: "^BenchmarkParse$"},
	{name: "quantile", module: "github.com/beorn7/perks@v1.0.1", dir: "quantile", run: "^BenchmarkInsertTargeted$"},
	{name: "hdrhistogram", module: "github.com/HdrHistogram/hdrhistogram-go@v1.4.0", run: "^BenchmarkPackedEncode$"},
	{name: "stats", module: "github.com/montanaflynn/stats@v0.14.0", run: "^BenchmarkMedianLargeFloatSlice$"},
	{name: "raft", module: "go.etcd.io/raft/v3@v3.7.0", run: "^BenchmarkStatus$/^members=3$/^WithProgress$"},
}

// An EvaluateOptions says where an evaluation is and how long this part of it may take.
type EvaluateOptions struct {
	Data string        // the folder that traces are kept in
	Work string        // the folder that copies of modules are kept in
	Time time.Duration // that this part may take
	Say  func(text string)
}

// A unit is what is recorded without a pause, so that its kinds had the same minutes.
type unit struct {
	level   float64
	kinds   string // of recordings, with a comma between them
	subject string // its name
	extra   string // with KindInjected
}

// kindsOfRates are those that are compared with each other.
const kindsOfRates = KindSame + "," + KindUsual + "," + KindCount

// recordingTime is the budget of a recording of that kind at that level, builds not counted: short, so that the machine is
// much the same for all kinds of a unit, and everything has its turn in about an hour.
func recordingTime(kind string, level float64) time.Duration {
	switch {
	case kind == KindCount:
		return 12 * time.Second
	case kind == KindLayouts: // at most: what their blocks take is known
		return 100 * time.Second
	case kind == KindUsual && level > 0:
		return 25 * time.Second
	case level > 0 || kind == KindInjected:
		return 30 * time.Second
	}
	return 45 * time.Second
}

// Evaluate records for as long as the options say, what is most behind first, and keeps every recording as it ends. What
// a part has recorded stays when it is interrupted; any number of parts may follow. What fails, or brings nothing, is left
// to the next part; the errors are returned at the end.
func Evaluate(ctx context.Context, o EvaluateOptions) error {
	began := time.Now()
	skip := map[unit]bool{}
	longest := time.Duration(0)
	for kind := range strings.SplitSeq(kindsOfRates, ",") {
		longest += max(recordingTime(kind, 0), recordingTime(kind, 1))
	}
	var failed []error
	all, err := Load(o.Data)
	if err != nil {
		return err
	}
	if err := sameMachine(all, harness.Host()); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(o.Data, TracesFile), err)
	}
	for time.Since(began)+longest <= o.Time {
		next, had, done := mostBehind(all, skip)
		if done {
			o.Say("nothing is behind")
			break
		}
		started := time.Now()
		err := next.record(ctx, o, all)
		var reading error
		if all, reading = Load(o.Data); reading != nil {
			return errors.Join(append(failed, err, reading)...)
		}
		if err != nil {
			err = fmt.Errorf("recording %s of %s at a duty of %v: %w", next.kinds, next.subject, next.level, err)
			if failed = append(failed, err); ctx.Err() != nil {
				break
			}
			o.Say(err.Error())
			skip[next] = true
		} else if next.share(all) <= had {
			o.Say("that brought no comparison")
			skip[next] = true
		}
		longest = max(longest, time.Since(started)) // with its builds
	}
	return errors.Join(failed...)
}

// sameMachine is an error when the traces are of another machine: machine-seconds of two don't add up.
func sameMachine(all []Stored, here results.Host) error {
	for _, s := range all {
		if s.Host.CPU != here.CPU || s.Host.Cores != here.Cores || s.Host.Go != here.Go {
			return fmt.Errorf("the traces are of %s with %d cores and %s, and this is %s with %d cores and %s; name another folder with -data",
				s.Host.CPU, s.Host.Cores, s.Host.Go, here.CPU, here.Cores, here.Go)
		}
	}
	return nil
}

// units are all that there is to record, by what is recorded so far, in the order in which they are recorded first: the
// rates, what is injected, and last what takes the longest builds.
func units(all []Stored) []unit {
	var out, injected, layouts []unit
	for _, s := range subjects {
		if s.starts {
			injected = append(injected, unit{kinds: KindSame + "," + KindCount, subject: s.name})
			continue
		}
		for _, level := range Levels {
			out = append(out, unit{level: level, kinds: kindsOfRates, subject: s.name})
		}
		if len(Select(all, 0, KindSame, s.name)) == 0 { // what a block takes, and what five percent are, is not known yet
			continue
		}
		for _, level := range Levels {
			layouts = append(layouts, unit{level: level, kinds: KindLayouts, subject: s.name})
		}
		for _, extra := range s.extras {
			injected = append(injected, unit{kinds: KindInjected, subject: s.name, extra: extra})
		}
	}
	return slices.Concat(out, injected, layouts)
}

// wanted is how many comparisons of the kind there shall be.
func (u unit) wanted(kind string) float64 {
	each := float64(wantedTries) / float64(len(subjects)-1) // one is no part of the rates
	if kind == KindUsual || kind == KindCount {             // what they are compared with need not be known as well
		each /= 2
	}
	switch {
	case kind == KindLayouts: // at all levels together
		return each / float64(len(Levels))
	case kind == KindInjected:
		return extraTries
	case slices.ContainsFunc(subjects, func(s subject) bool { return s.starts && s.name == u.subject }):
		return startTries
	case u.level == 0 && kind == KindSame: // the power is found out there too
		return 1.5 * each
	case u.level == 0 && kind == KindUsual:
		return 3 * each
	}
	return each
}

// share is how much the unit has of the comparisons that it shall have, of the kind that has least.
func (u unit) share(all []Stored) float64 {
	least := 1.0
	for kind := range strings.SplitSeq(u.kinds, ",") {
		list := slices.DeleteFunc(Select(all, u.level, kind, u.subject), func(r Recording) bool { return r.Extra != u.extra })
		least = min(least, tried(list, kind)/u.wanted(kind))
	}
	return least
}

// mostBehind returns the unit with the smallest share, and that; of several that nothing is recorded of the first, of others
// one at random. Done: none lacks anything.
func mostBehind(all []Stored, skip map[unit]bool) (next unit, share float64, done bool) {
	var best []unit
	least := 1.0
	for _, u := range units(all) {
		if skip[u] {
			continue
		}
		share := u.share(all)
		if share < least {
			least, best = share, nil
		}
		if share == least && share < 1 {
			best = append(best, u)
		}
	}
	switch {
	case len(best) == 0:
		return unit{}, 1, true
	case least == 0:
		return best[0], least, false
	}
	return best[rand.IntN(len(best))], least, false
}

// startTries and extraTries are how many comparisons those shall have that are no part of the rates.
const (
	startTries = 5
	extraTries = 20
)

// tried is how many comparisons recordings make.
func tried(list []Recording, kind string) float64 {
	n := 0
	var tries []Try
	var err error
	switch kind {
	case KindUsual:
		for _, r := range list {
			n += len(r.Trace.Pairs) / usualSamples
		}
	case KindCount:
		for _, r := range list {
			n += len(r.Series) / 2
		}
	case KindLayouts:
		tries, err = decideCode(list, usualMargin, 0, 1)
	default:
		tries, err = decideAll(list, Recording.last, usualMargin, 0, 1)
	}
	if err != nil { // judging will say so
		return 0
	}
	return float64(n + len(tries))
}

// record records the unit's kinds one after another. All is what was recorded before.
func (u unit) record(ctx context.Context, o EvaluateOptions, all []Stored) error {
	i := slices.IndexFunc(subjects, func(s subject) bool { return s.name == u.subject })
	sc, err := subjects[i].scenario(ctx, o.Work)
	if err != nil {
		return err
	}
	for kind := range strings.SplitSeq(u.kinds, ",") {
		if err := u.recordKind(ctx, sc, kind, o, all); err != nil {
			return err
		}
	}
	return nil
}

func (u unit) recordKind(ctx context.Context, sc *scenarios.Scenario, kind string, o EvaluateOptions, all []Stored) error {
	budget := recordingTime(kind, u.level)
	switch kind {
	case KindSame:
		sc = withLayouts(twins(sc, sameBinary), 0)
	case KindLayouts:
		n, length := u.layouts(all)
		budget = length
		sc = withLayouts(twins(sc, otherLayouts), n)
	case KindUsual:
		sc = fresh(twins(sc, sameBinary), usualSlice)
	case KindInjected:
		n := u.amount(all)
		none := fmt.Sprintf("%s=0*%s", u.subject, u.extra)
		sc = twins(sc, slowedBy(fmt.Sprintf("%s=%d*%s", u.subject, n, u.extra)))
		slowedBy(none)(&sc.Variants[0]) // so that both sides have what it needs
		sc = withLayouts(sc, 0)
	}
	seed := rand.Uint64() >> 11 // every JSON reader holds 53 bits
	o.Say(fmt.Sprintf("%s of %s beside a neighbour of %.0f %%, seed %d", strings.TrimSpace(kind+" "+u.extra), u.subject, 100*u.level, seed))
	dir, err := os.MkdirTemp("", "tunelab-evaluation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	stop, err := StartNeighbour(u.level, seed)
	if err != nil {
		return err
	}
	var list []Recording
	var host results.Host
	if kind == KindCount {
		list, err = recordSeries(ctx, sc, budget)
		host = harness.Host()
	} else {
		list, host, err = record(ctx, sc, harness.Options{Results: dir, Budget: budget, Seed: &seed, Command: []string{"evaluate"}})
	}
	took, stopErr := stop()
	if err := errors.Join(err, stopErr); err != nil {
		return err
	}
	for _, r := range list {
		r.Extra = u.extra
		s := store(r, u.level, took, kind, u.subject, seed, time.Now().UTC().Format(time.RFC3339), host)
		if err := s.Append(o.Data); err != nil {
			return err
		}
	}
	return nil
}

// mostSets is how many sets of layouts are recorded at once: linking them takes longer than measuring.
const mostSets = 2

// layouts is how many layouts a recording has the time to go through twice, by what a block took, and once at least, and how
// long that takes.
func (u unit) layouts(all []Stored) (n int, length time.Duration) {
	same := joined(Select(all, 0, KindSame, u.subject))
	set := codeLast * sum(same.Trace.Seconds) / float64(len(same.Trace.Seconds))
	most, pilot := recordingTime(KindLayouts, u.level).Seconds(), 2*same.Pilot // which looks at layouts too
	sets := min(max(int((most-pilot)/slowed/set), 1), mostSets)
	return harness.UsualLayouts * sets, time.Duration(min(pilot+slowed*float64(sets)*set, most) * float64(time.Second))
}

// slowed is how many times as long as on a quiet machine blocks are expected to take.
const slowed = 1.25

// amount is how much is added to our own workload's operation: as many multiplications as make it five percent slower, by
// what it took when it was recorded, or one of another thing.
func (u unit) amount(all []Stored) int {
	if u.extra != spinExtra {
		return 1
	}
	base := baseMedian(joined(Select(all, 0, KindSame, u.subject)))
	return max(1, int(delivered*base/multiplication+0.5))
}

// multiplication is about what one of a chain of multiplications takes, in ns: three cycles at 3 GHz. What an injected
// slowdown delivered is measured all the same.
const multiplication = 1.0

// scenario returns the scenario of the subject's benchmark, and copies its module where the go command may build it with
// an overlay, which it refuses in its own cache.
func (s subject) scenario(ctx context.Context, work string) (*scenarios.Scenario, error) {
	dir, err := filepath.Abs(filepath.Dir(Own))
	if err != nil {
		return nil, err
	}
	if s.module != "" {
		if dir, err = copied(ctx, s.module, work); err != nil {
			return nil, err
		}
		dir = filepath.Join(dir, filepath.FromSlash(s.dir))
	}
	sc, err := scenarios.Read(Own)
	if err != nil {
		return nil, fmt.Errorf("%w (run this in the root of a checkout)", err)
	}
	sc.Bench.Dir, sc.Bench.Run, sc.Name = dir, s.run, s.name
	for i := range sc.Variants {
		sc.Variants[i].Env = s.env
	}
	if s.module != "" {
		sc.Bench.Check = ""
	}
	return sc, nil
}

// copied returns a folder with the module's files, which is made when it is not there yet.
func copied(ctx context.Context, module, work string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(work, filepath.Base(filepath.Dir(module))+"-"+filepath.Base(module)))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("downloading %s: %w\n%s", module, err, text)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(text, &m); err != nil || m.Dir == "" {
		return "", fmt.Errorf("downloading %s: %w: %s", module, err, text)
	}
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return "", err
	}
	if err := os.CopyFS(fresh, os.DirFS(m.Dir)); err != nil {
		return "", fmt.Errorf("copying %s: %w", module, err)
	}
	return dir, os.Rename(fresh, dir)
}

// Recorded returns what was recorded at a level, by benchmark, and the benchmarks that have enough of it to be judged.
func Recorded(all []Stored, level float64) (map[string]Recordings, []string) {
	out := map[string]Recordings{}
	var names []string
	for _, name := range Benchmarks(all) {
		r := Recordings{
			Same: Select(all, level, KindSame, name), Layouts: Select(all, level, KindLayouts, name),
			Injected: Select(all, level, KindInjected, name), Usual: Select(all, level, KindUsual, name),
			Count: Select(all, level, KindCount, name),
		}
		if len(r.Same) > 0 {
			out[name] = r
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return out, names
}
