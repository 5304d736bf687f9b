package raftcommit

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/raft/v3"
)

// Claim 2.3.2: the article's compare-and-swap loop is a monotone maximum under
// many writers. (True; with raft's one writer a plain store does as well.)
func TestAdvanceCommittedIsMonotone(t *testing.T) {
	const writers, each = 16, 2000
	var ix casIndex
	var failures firstError
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var last uint64
			// Each writer goes through its own values in an order in which two
			// steps go up and one goes down.
			for i := range each {
				to := uint64((i+i%3*2)*writers + w)
				ix.Advance(to)
				got := ix.Committed()
				if got < to || got < last {
					failures.add(fmt.Errorf("after Advance(%d) writer %d reads %d, and %d before", to, w, got, last))
				}
				last = got
				if i%16 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	var highest uint64
	for i := range each {
		highest = max(highest, uint64((i+i%3*2)*writers+writers-1))
	}
	if got := ix.Committed(); got != highest {
		failures.add(fmt.Errorf("the index ends at %d, want %d", got, highest))
	}
	if err := failures.err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d goroutines called advanceCommitted %d times with values going up and down: every writer read at least its own value, none saw the index go back, and it ended at the maximum, %d", writers, writers*each, highest)
}

// Claim 2.3.1: etcd replaced a mutex round the raft log's committed and applied
// by atomics. In the source there is neither.
func TestRaftLogHasNoLockOrAtomics(t *testing.T) {
	file, err := raftSource("log.go")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, i := range parsed.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, path)
	}
	for _, path := range imports {
		if path == "sync" || strings.HasPrefix(path, "sync/") {
			t.Errorf("%s imports %s", file, path)
		}
	}
	fields := structFields(parsed, "raftLog")
	if fields == nil {
		t.Fatalf("%s declares no struct raftLog", file)
	}
	for _, name := range []string{"committed", "applied"} {
		if fields[name] != "uint64" {
			t.Errorf("raftLog.%s is of type %q, not a plain uint64", name, fields[name])
		}
	}
	t.Logf("%s: raftLog has committed %s and applied %s, and the file imports only %q: no lock and no atomics",
		moduleFile(file), fields["committed"], fields["applied"], imports)
}

// raftSource is the path of a source file of the raft package that this test
// was compiled with: beside the one that the compiler noted for a function.
func raftSource(name string) (string, error) {
	fn := runtime.FuncForPC(reflect.ValueOf(raft.NewMemoryStorage).Pointer())
	noted, _ := fn.FileLine(fn.Entry())
	if !filepath.IsAbs(noted) { // built with -trimpath: the path begins with the module's
		cache := os.Getenv("GOMODCACHE")
		if cache == "" {
			gopath := os.Getenv("GOPATH")
			if home, err := os.UserHomeDir(); gopath == "" && err == nil {
				gopath = filepath.Join(home, "go")
			}
			cache = filepath.Join(strings.Split(gopath, string(filepath.ListSeparator))[0], "pkg", "mod")
		}
		noted = filepath.Join(cache, noted)
	}
	file := filepath.Join(filepath.Dir(noted), name)
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("looking for raft's source: %w (was the test built on another machine? set GOMODCACHE)", err)
	}
	return file, nil
}

// moduleFile cuts what comes before the module's path.
func moduleFile(file string) string {
	file = filepath.ToSlash(file)
	if i := strings.Index(file, "go.etcd.io/"); i >= 0 {
		return file[i:]
	}
	return file
}

// structFields returns the named struct's fields with their types as written;
// nil if there is no such struct.
func structFields(file *ast.File, name string) map[string]string {
	var fields map[string]string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != name {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			fields = map[string]string{}
			for _, f := range s.Fields.List {
				for _, id := range f.Names {
					fields[id.Name] = typeName(f.Type)
				}
			}
		}
		return false
	})
	return fields
}

func typeName(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.SelectorExpr:
		return typeName(t.X) + "." + t.Sel.Name
	case *ast.StarExpr:
		return "*" + typeName(t.X)
	}
	return fmt.Sprintf("%T", t)
}

// Claim 2.3.7: a leader commits min(its last index, what a quorum has). That
// leaves out a condition, and then a committed entry can be lost: Figure 8 of
// the Raft paper. First a model of the rule as claimed and as in the paper,
// then raft itself.
func TestQuorumMatchAloneLosesCommittedEntry(t *testing.T) {
	claimed := figure8(func(leaderIndex, quorumMatch, _, _ int) int {
		return min(leaderIndex, quorumMatch)
	})
	if claimed.committed != "B" || claimed.later != "C" {
		t.Errorf("by the claimed rule %q was committed at index 2 and later found %q; want B, then C", claimed.committed, claimed.later)
	}
	paper := figure8(func(leaderIndex, quorumMatch, termAtMatch, leaderTerm int) int {
		if termAtMatch != leaderTerm {
			return 0 // no commit by counting: the entry is of an older term
		}
		return min(leaderIndex, quorumMatch)
	})
	if paper.committed != "" || paper.later != "C" {
		t.Errorf("with the term check %q was committed at index 2 and later found %q; want nothing, then C", paper.committed, paper.later)
	}

	lost := newFigure8Cluster(t)
	old, match := lost.untilOldEntryIsOnAQuorum()
	before := lost.commit(1)
	if quorum := quorumOf(match); quorum < old || before >= old {
		t.Errorf("leader 1 has entry %d on a quorum (match %v) and commit index %d; want a quorum at %d and no commit", old, match, before, old)
	}
	lost.electAgain(5, 3, 4)
	if got := lost.dataAt(3, old); got != "C" || lost.commit(5) < old {
		t.Errorf("after leader 5, member 3 has %q at index %d and 5 has commit index %d; want C, committed", got, old, lost.commit(5))
	}

	kept := newFigure8Cluster(t)
	kept.untilOldEntryIsOnAQuorum()
	kept.deliverNewTermTo(3)
	after := kept.commit(1)
	if after <= old {
		t.Errorf("with an entry of its own term on a quorum leader 1 has commit index %d, want more than %d", after, old)
	}
	if kept.tryElect(5, 2, 3, 4); kept.leads(5) {
		t.Error("member 5 was elected although a quorum has a newer log")
	}
	if got := kept.dataAt(3, old); got != "B" {
		t.Errorf("member 3 has %q at index %d, want B", got, old)
	}

	t.Logf("min(leaderIndex, quorumMatch) alone: entry B was committed at index 2 and later replaced by C; go.etcd.io/raft/v3, same schedule: B at index %d on a quorum (match %v) and commit index stays %d until an entry of the leader's own term is on a quorum, then it is %d and B is safe", old, match, before, after)
}

// The model: five servers, a log of terms, votes and append as in the paper.

type modelEntry struct {
	term int
	data string
}

type modelServer struct {
	term int
	log  []modelEntry // log[0] is index 1
}

func (s *modelServer) lastTerm() int { return s.log[len(s.log)-1].term }

type outcome8 struct {
	committed string // what the rule committed at index 2 in step c
	later     string // what all servers have there in the end
}

// figure8 plays Figure 8 of the Raft paper with a commit rule, which gets the
// leader's last index, the highest index on a majority, the term of the entry
// there and the leader's term, and returns the index to commit.
func figure8(rule func(leaderIndex, quorumMatch, termAtMatch, leaderTerm int) int) (o outcome8) {
	s := make([]*modelServer, 6) // s[1] to s[5]
	for i := range s {
		s[i] = &modelServer{term: 1, log: []modelEntry{{1, "A"}}}
	}
	elect := func(term, leader int, voters ...int) {
		s[leader].term = term
		for _, v := range voters {
			newer := s[leader].lastTerm() > s[v].lastTerm() ||
				s[leader].lastTerm() == s[v].lastTerm() && len(s[leader].log) >= len(s[v].log)
			if s[v].term >= term || !newer {
				panic(fmt.Sprintf("server %d must not vote for %d in term %d", v, leader, term))
			}
			s[v].term = term
		}
	}
	replicate := func(leader, follower int) {
		s[follower].term = s[leader].term
		s[follower].log = slices.Clone(s[leader].log)
	}
	// a: S1 leads and gets B to S2.
	elect(2, 1, 2, 3)
	s[1].log = append(s[1].log, modelEntry{2, "B"})
	replicate(1, 2)
	// b: S1 fails. S5 leads by the votes of S3 and S4, and has C for itself.
	elect(3, 5, 3, 4)
	s[5].log = append(s[5].log, modelEntry{3, "C"})
	// c: S5 fails. S1 leads again and gets B to S3, too: a majority has it.
	elect(4, 1, 2, 3)
	replicate(1, 3)
	match := []int{len(s[1].log), len(s[2].log), len(s[3].log), len(s[4].log), 1}
	slices.Sort(match)
	quorumMatch := match[2]
	if rule(len(s[1].log), quorumMatch, s[1].log[quorumMatch-1].term, s[1].term) >= 2 {
		o.committed = s[1].log[1].data
	}
	// d: S1 fails. S5's last term is newer than B's: S2, S3 and S4 vote for it.
	elect(5, 5, 2, 3, 4)
	for _, follower := range []int{1, 2, 3, 4} {
		replicate(5, follower)
	}
	o.later = s[1].log[1].data
	return o
}

// Claim 2.3.4: a compare-and-swap of a uint64 is CMPXCHG8B. That is the form
// of 32-bit x86; the compiler has none of it on amd64.
func TestCompareAndSwapInstruction(t *testing.T) {
	amd64 := instructions(t, "amd64")
	if strings.Contains(amd64, "CMPXCHG8B") || !regexp.MustCompile(`LOCK\n.*CMPXCHGQ`).MatchString(amd64) {
		t.Fatalf("amd64: no LOCK CMPXCHGQ, or a CMPXCHG8B, in\n%s", amd64)
	}
	i386 := instructions(t, "386")
	call := regexp.MustCompile(`CALL\s+\S*(Cas64|CompareAndSwapUint64)\S*`).FindString(i386)
	name := filepath.Join(runtime.GOROOT(), "src", "internal", "runtime", "atomic", "atomic_386.s")
	assembly, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("the runtime's source is not here: %v", err)
	}
	_, body, found := strings.Cut(string(assembly), "TEXT ·Cas64(SB)")
	body, _, _ = strings.Cut(body, "TEXT")
	if call == "" || !found || !strings.Contains(body, "CMPXCHG8B") {
		t.Fatalf("386: no call of Cas64, or no CMPXCHG8B in %s; the call is %q in\n%s", name, call, i386)
	}
	t.Logf("%s: atomic.Uint64.CompareAndSwap compiles to LOCK CMPXCHGQ on amd64; on 386 it is %q, of the runtime's Cas64, whose assembly has CMPXCHG8B", runtime.Version(), strings.Join(strings.Fields(call), " "))
}

// instructions returns what the compiler makes of a compare-and-swap that is
// not inlined.
func instructions(t *testing.T, goarch string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module cas\n\ngo 1.24\n",
		"cas.go": "package cas\n\nimport \"sync/atomic\"\n\n//go:noinline\nfunc CAS(x *atomic.Uint64, from, to uint64) bool { return x.CompareAndSwap(from, to) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-gcflags=-S", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("compiling for %s: %v\n%s", goarch, err, out)
	}
	return string(out)
}
