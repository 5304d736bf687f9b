// Package gate compares two revisions of any Go module and says whether a night is red.
//
//  1. [Compare] finds the packages that have benchmarks on both sides, leaves out those whose builds are alike byte for
//     byte, and measures each of the others as a scenario of its own, by package harness, within one budget.
//  2. [Gate] reads a [Config] (tunelab.toml), measures its canary, a benchmark of its own with a known slowdown, then
//     compares the tip with the pinned baseline, and judges: see [Result].
//  3. [Result.Night] makes of it what package nights keeps.
//  4. [Bisect] finds the commit between two nights.
//
// A chance of a false alarm is fixed for the whole night ([Question.FamilyError]) and shared out among its packages in
// proportion to their benchmarks, before anything is measured.
package gate

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"tunelab/harness"
	"tunelab/harness/repo"
	"tunelab/scenarios"
)

// Since says by import path and case when something was measured last.
type Since map[string]map[string]time.Time

// oldest is when the package's case was measured that was not for longest; zero where that is not known of any.
func (s Since) oldest(pkg string) time.Time {
	var out time.Time
	for _, at := range s[pkg] {
		if out.IsZero() || at.Before(out) {
			out = at
		}
	}
	return out
}

// A Side is one of the two that are compared.
type Side struct {
	Name     string      // of the variant
	Rev      string      // as the user wrote it; "" for the work tree
	Commit   repo.Commit // zero for the work tree
	Flags    []string    // of the build
	BuildEnv map[string]string
}

// Said is the side for people.
func (s Side) Said() string {
	text := "the work tree"
	if s.Rev != "" {
		text = s.Rev
		if !strings.HasPrefix(s.Commit.Hash, s.Rev) {
			text += " (" + s.Commit.Short() + ")"
		}
	}
	var set []string
	for _, key := range sortedKeys(s.BuildEnv) {
		set = append(set, key+"="+s.BuildEnv[key])
	}
	if set = append(set, s.Flags...); len(set) > 0 {
		text += " with " + strings.Join(set, " ")
	}
	return text
}

// Metrics are the units that get verdicts, as in scenarios.Metrics.
type Metrics struct {
	Primary   []string           `toml:"primary"`
	Better    map[string]string  `toml:"better"`
	Margin    *float64           `toml:"margin"`
	MarginAbs map[string]float64 `toml:"margin_abs"`
}

// Only returns what is said of one unit.
func (m Metrics) Only(unit string) Metrics {
	out := Metrics{Primary: []string{unit}, Better: m.Better, Margin: m.Margin}
	if abs, ok := m.MarginAbs[unit]; ok {
		out.MarginAbs = map[string]float64{unit: abs}
	}
	return out
}

// A Question is what [Compare] measures.
type Question struct {
	Repo     *repo.Repo
	Prefix   string // folder of the repository that Patterns are relative to
	Old, New Side
	Patterns []string // packages, as the go command writes them; ./... when empty
	Bench    string   // a -test.bench pattern; all benchmarks when empty
	Flags    scenarios.TestFlags
	Metrics  Metrics

	Budget      time.Duration // for measuring; builds are not counted
	FamilyError float64       // chance of any false alarm; 0: as usual for a run
	Kind        string        // how runs are called: "compare", "gate", "bisect"
	First       []string      // folders or import paths of packages that time goes to first
	Last        []string      // cases that a tight budget keeps last
	Since       Since         // when what was measured last, where that is known
	Hold        *harness.Hold // the machine; taken and given back when nil
	Results     string        // the folder that run folders go in
	Carry       []string      // what checkouts get of the work tree, as in harness.Options
	Own         []string      // files and folders, besides Results, that tunelab writes itself: no benchmark reads them
	Seed        *uint64
	Command     []string
	Tell        func(harness.Progress)

	runs uint64 // that had a seed
}

// MakeSide resolves a revision, or the work tree for "" and ".".
func MakeSide(ctx context.Context, r *repo.Repo, rev string) (Side, error) {
	if rev == "." || rev == "" {
		return Side{Name: "worktree"}, nil
	}
	commit, err := r.Resolve(ctx, rev)
	if err != nil {
		return Side{}, err
	}
	return Side{Name: variantName(rev, commit), Rev: rev, Commit: commit}, nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.=+-]{0,39}$`)

// variantName is the revision as it was written where a variant can be called that, with slashes and the like replaced;
// else the commit.
func variantName(rev string, c repo.Commit) string {
	name := strings.NewReplacer("/", "-", "~", "-", "^", "-", "@", "-").Replace(rev)
	if !plainName.MatchString(name) {
		return c.Short()
	}
	if strings.HasPrefix(c.Hash, rev) {
		return c.Short()
	}
	return name
}

// distinct gives the sides names that differ.
func (q *Question) distinct() {
	if q.Old.Name != q.New.Name {
		return
	}
	q.Old.Name, q.New.Name = "old-"+q.Old.Name, "new-"+q.New.Name
}

// running are variables of how a program runs, not of how it is built.
var running = []string{"GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK"}

// ParseBuild reads a side's build settings as a user writes them: words that are KEY=VALUE in capitals are for the go
// command's environment, others are its flags. Quotes keep blanks within a word.
func ParseBuild(text string) (flags []string, env map[string]string, err error) {
	words, err := splitWords(text)
	if err != nil {
		return nil, nil, err
	}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "-"):
			flags = append(flags, word)
		case slices.Contains(running, key):
			return nil, nil, fmt.Errorf("%s changes how a program runs, not how it is built; compare such settings by a scenario (env = { %s = … })", key, key)
		case ok && key == strings.ToUpper(key) && key != "":
			if env == nil {
				env = map[string]string{}
			}
			env[key] = value
		default:
			return nil, nil, fmt.Errorf("%q is neither a flag of go build (-tags=x) nor a variable of its environment (GOAMD64=v3)", word)
		}
	}
	return flags, env, nil
}

// splitWords splits at blanks that are not within quotes.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	in, quoted := false, rune(0)
	for _, c := range text {
		switch {
		case quoted != 0 && c == quoted:
			quoted = 0
		case quoted != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			in, quoted = true, c
		case c == ' ' || c == '\t':
			if in {
				words = append(words, word.String())
				word.Reset()
			}
			in = false
		default:
			in = true
			word.WriteRune(c)
		}
	}
	if quoted != 0 {
		return nil, fmt.Errorf("%q has a quote that does not end", text)
	}
	if in {
		words = append(words, word.String())
	}
	return words, nil
}

// A scenarioFile is what a question about one package is as a scenario file.
type scenarioFile struct {
	Question string         `toml:"question"`
	Bench    benchTable     `toml:"bench"`
	Metrics  Metrics        `toml:"metrics"`
	Variants []variantTable `toml:"variant"`
}

type benchTable struct {
	Dir string `toml:"dir"`
	Run string `toml:"run,omitempty"`

	Flags []string `toml:"flags,omitempty"`
}

type variantTable struct {
	Name     string            `toml:"name"`
	Base     bool              `toml:"base"`
	Rev      string            `toml:"rev,omitempty"`
	Flags    []string          `toml:"flags"`
	BuildEnv map[string]string `toml:"buildenv,omitempty"`
}

// parse has package scenarios read and check the file. Messages call it what about says: nobody wrote it.
func (f scenarioFile) parse(name, about string) (*scenarios.Scenario, error) {
	text, err := toml.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("writing a scenario: %w", err)
	}
	return scenarios.ParseGenerated(name, about, text)
}

// scenario makes the question about one package, and of those of its benchmarks that a pattern matches, if there is one.
func (q *Question) scenario(p repo.Package, bench string) (*scenarios.Scenario, error) {
	dir := filepath.Join(q.Repo.Top, filepath.FromSlash(p.Dir))
	f := scenarioFile{
		Question: fmt.Sprintf("Is %s faster or slower in %s than in %s?", here(p.Dir), q.New.Said(), q.Old.Said()),
		Bench:    benchTable{Dir: dir, Run: cmp.Or(bench, q.Bench), Flags: q.Flags.All()},
		Metrics:  q.Metrics,
	}
	for i, side := range []Side{q.Old, q.New} {
		f.Variants = append(f.Variants, variantTable{
			Name: side.Name, Base: i == 0, Rev: side.Commit.Hash, BuildEnv: side.BuildEnv,
			Flags: side.Flags,
		})
	}
	return f.parse(q.Kind+"-"+runName(q.Repo, p.Dir), q.Kind+" of "+here(p.Dir))
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_.]+`)

// runName is what runs about the folder are called.
func runName(r *repo.Repo, dir string) string {
	if dir == "." {
		dir = path.Base(filepath.ToSlash(r.Top))
	}
	return strings.Trim(notInNames.ReplaceAllString(dir, "-"), "-")
}

// here is a package's folder for people.
func here(dir string) string {
	if dir == "." {
		return "the package at the root"
	}
	return dir
}

// quote writes a TOML basic string. Go's quoting is TOML's but for \x, \a and \v.
func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&out, `\u%04X`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// nextSeed returns a seed for the next of several runs that share one.
func (q *Question) nextSeed() *uint64 {
	if q.Seed == nil {
		return nil
	}
	q.runs++
	s := *q.Seed + q.runs - 1
	return &s
}

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
