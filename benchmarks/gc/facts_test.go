package gc

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// Claim 5.1.3: GODEBUG=madvdontneed=1 is missing from the configuration. It is
// what an unset one means. The test asks the kernel: three processes give back
// a wave of memory, and one that uses MADV_FREE leaves it resident, as LazyFree.
func TestMadvDontNeedIsTheDefault(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("madvdontneed is a setting for Linux")
	}
	const child = "TUNELAB_TEST_MADVISE"
	if os.Getenv(child) != "" {
		fillWave(64)
		debug.FreeOSMemory()
		r, err := resident()
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("\nLazyFree " + strconv.Itoa(int(r.LazyFree)>>20) + "\n")
		return
	}
	lazy := map[string]int{}
	for _, setting := range []string{"", "madvdontneed=1", "madvdontneed=0"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMadvDontNeedIsTheDefault$")
		cmd.Env = append(os.Environ(), child+"=1", "GODEBUG="+setting)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("GODEBUG=%s: %v\n%s", setting, err, out)
		}
		_, rest, _ := strings.Cut(string(out), "\nLazyFree ")
		number, _, _ := strings.Cut(rest, "\n")
		if lazy[setting], err = strconv.Atoi(number); err != nil {
			t.Fatalf("GODEBUG=%s: no LazyFree in %q", setting, out)
		}
	}
	if lazy["madvdontneed=0"] < 32 {
		t.Fatalf("with madvdontneed=0 only %d of 64 MiB are LazyFree: this kernel does not show the difference", lazy["madvdontneed=0"])
	}
	if lazy[""] != lazy["madvdontneed=1"] || lazy[""] > 1 {
		t.Errorf("LazyFree in MiB by GODEBUG: %v", lazy)
	}
	t.Logf("%s: after 64 MiB were given back, LazyFree is %d MiB with GODEBUG unset, %d with madvdontneed=1 and %d with madvdontneed=0%s",
		runtime.Version(), lazy[""], lazy["madvdontneed=1"], lazy["madvdontneed=0"], sourceOfDefault())
}

// sourceOfDefault quotes the line of the runtime that sets it, if the source
// is at hand.
func sourceOfDefault() string {
	text, err := os.ReadFile(filepath.Join(runtime.GOROOT(), "src", "runtime", "runtime1.go"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == "debug.madvdontneed = 1" {
			return "; runtime1.go, where the defaults are: " + strings.TrimSpace(line)
		}
	}
	return ""
}

// Claim 5.1.2, what is real of it: a map from which entries are deleted keeps
// its memory (golang/go#20135), until a new one takes its place.
func TestMapKeepsItsMemory(t *testing.T) {
	weights := map[string]float64{}
	for _, im := range Implementations() {
		if im.Name == "value" || im.Name == "wire" {
			continue // maps too, whose resources are not what is held
		}
		liveHeap()
		full, shrunk := shrunken(im, 0), shrunken(im, 9)
		weights[im.Name+" full"], weights[im.Name] = weigh(&full.cache), weigh(&shrunk.cache)
	}
	if weights["map"] < 0.9*weights["map full"] {
		t.Errorf("the map shrank: %v", weights)
	}
	if weights["rebuilt"] > 0.5*weights["map"] {
		t.Errorf("a rebuilt map is no smaller: %v", weights)
	}
	t.Logf("bytes of the container with 4,000 entries and after 9 of 10 were deleted: map %.0f and %.0f, rebuilt map %.0f and %.0f, sync.Map %.0f and %.0f, snapshot %.0f and %.0f, 16 maps %.0f and %.0f",
		weights["map full"], weights["map"], weights["rebuilt full"], weights["rebuilt"],
		weights["syncmap full"], weights["syncmap"], weights["snapshot full"], weights["snapshot"],
		weights["sharded full"], weights["sharded"])
}

// shrunken is a cache that had 4,000 clusters, of which so many tenths are deleted.
func shrunken(im Implementation, tenths int) *generations {
	g := newGenerations(im, 4000)
	for range tenths * 4 {
		g.cache.Apply(nil, g.drop(100))
	}
	return g
}
