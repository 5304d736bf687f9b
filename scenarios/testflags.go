package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// TestFlags are what a user would give go test besides packages, sorted by who gets it.
type TestFlags struct {
	Build []string // flags of the build, such as -tags=x and -race
	Test  []string // flags of package testing and of the tests themselves, as the test binary takes them: -test.short=true
	Args  []string // what follows -args
}

// All are the flags as go test takes them.
func (f TestFlags) All() []string {
	out := slices.Concat(f.Build, f.Test)
	if len(f.Args) > 0 {
		out = append(append(out, "-args"), f.Args...)
	}
	return out
}

// A testFlag is one that go test knows.
type testFlag struct {
	build bool   // of the build; else of package testing
	value bool   // a value follows it
	why   string // it can't be given
}

const (
	itsOwn      = "how often and how long benchmarks run is part of the plan"
	chosen      = "which benchmarks are measured is said by --bench, or by bench.run in a scenario"
	noTests     = "no tests are run"
	profiled    = "profiles are taken of runs of their own: tunelab run --profile"
	changesWhat = "it would change what is printed, and so what is read"
)

// testFlags are those that can be given, and those that can't with the reason. Others are taken for the tests' own.
var testFlags = map[string]testFlag{
	"race": {build: true}, "msan": {build: true}, "asan": {build: true}, "linkshared": {build: true}, "trimpath": {build: true}, "modcacherw": {build: true}, "a": {build: true},
	"tags": {build: true, value: true}, "mod": {build: true, value: true}, "modfile": {build: true, value: true}, "gcflags": {build: true, value: true},
	"ldflags": {build: true, value: true}, "asmflags": {build: true, value: true}, "gccgoflags": {build: true, value: true}, "compiler": {build: true, value: true},
	"installsuffix": {build: true, value: true}, "pkgdir": {build: true, value: true}, "overlay": {build: true, value: true}, "pgo": {build: true, value: true},
	"buildvcs": {build: true, value: true}, "buildmode": {build: true, value: true}, "p": {build: true, value: true},

	"short": {}, "cpu": {value: true}, "parallel": {value: true}, "timeout": {value: true}, "fullpath": {}, "failfast": {}, "outputdir": {value: true},

	"bench": {value: true, why: chosen}, "run": {value: true, why: noTests}, "skip": {value: true, why: chosen}, "list": {value: true, why: noTests},
	"benchtime": {value: true, why: itsOwn}, "count": {value: true, why: itsOwn},
	"v": {why: changesWhat}, "json": {why: changesWhat}, "shuffle": {value: true, why: "the order is drawn, see --seed"},
	"fuzz": {value: true, why: noTests}, "fuzztime": {value: true, why: noTests}, "fuzzminimizetime": {value: true, why: noTests},
	"cover": {why: "a program that counts coverage is another program"}, "covermode": {value: true, why: "a program that counts coverage is another program"},
	"coverpkg": {value: true, why: "a program that counts coverage is another program"}, "coverprofile": {value: true, why: "a program that counts coverage is another program"},
	"cpuprofile": {value: true, why: profiled}, "memprofile": {value: true, why: profiled}, "memprofilerate": {value: true, why: profiled}, "blockprofile": {value: true, why: profiled},
	"blockprofilerate": {value: true, why: profiled}, "mutexprofile": {value: true, why: profiled}, "mutexprofilefraction": {value: true, why: profiled}, "trace": {value: true, why: profiled},
	"exec": {value: true, why: "the test binary is run as it is"}, "c": {why: "binaries are built and removed"}, "o": {value: true, why: "binaries are built and removed"},
	"n": {why: "commands are run, not printed"}, "x": {why: "commands are run, not printed"}, "work": {why: "what is built is removed"}, "i": {why: "nothing is installed"},
	"C": {value: true, why: "call tunelab in that folder"}, "artifacts": {why: "nothing is kept but results"},
}

// passedOver are flags that change nothing here: allocations are always counted, and vet has no part in a build.
var passedOver = map[string]bool{"benchmem": false, "vet": true}

// ErrTestFlag is in the error about a flag that can't be given.
var ErrTestFlag = errors.New("can't be given")

// ParseTestFlags sorts words that a user would give go test: packages, and flags with their values as `go test` reads them.
// A flag of the tests' own is written with its value in one word (-data=big), or stands behind -args.
func ParseTestFlags(words []string) (f TestFlags, packages []string, err error) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "-args" || word == "--args" {
			f.Args = append(f.Args, words[i+1:]...)
			break
		}
		if !strings.HasPrefix(word, "-") || word == "-" {
			packages = append(packages, word)
			continue
		}
		name, value, whole := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
		name = strings.TrimPrefix(name, "test.")
		known, ok := testFlags[name]
		takes, over := passedOver[name]
		switch {
		case name == "count" && value == "1": // as it is without
			continue
		case over:
			if takes && !whole {
				i++
			}
			continue
		case !ok:
			f.Test = append(f.Test, word)
			continue
		case known.why != "":
			return f, packages, fmt.Errorf("-%s %w: %s", name, ErrTestFlag, known.why)
		case known.value && !whole:
			if i++; i == len(words) {
				return f, packages, fmt.Errorf("-%s %w without a value", name, ErrTestFlag)
			}
			value = words[i]
		case !known.value && !whole:
			value = "true"
		}
		if err := f.add(name, value, known); err != nil {
			return f, packages, err
		}
	}
	return f, packages, nil
}

func (f *TestFlags) add(name, value string, known testFlag) error {
	switch {
	case name == "cpu":
		if n, err := strconv.Atoi(value); err != nil || n < 1 {
			return fmt.Errorf("-cpu=%s %w: one number, since cases of two would have one name; compare once for each", value, ErrTestFlag)
		}
	case !known.value:
		if _, err := strconv.ParseBool(value); err != nil {
			return fmt.Errorf("-%s=%s %w: true or false", name, value, ErrTestFlag)
		}
	}
	if known.build {
		f.Build = append(f.Build, "-"+name+"="+value)
	} else {
		f.Test = append(f.Test, "-test."+name+"="+value)
	}
	return nil
}
