package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"tunelab/harness/internal/serve"
)

// serve adds to the files that replace others the tests that run the target's benchmarks on command. Where that is not
// possible p says why, and its processes run one after another.
func (b *builder) serve(ctx context.Context, p *preparation, t target, set settings, replaced *replacement) {
	if strings.Contains(os.Getenv("GOFLAGS")+set.buildEnv["GOFLAGS"], "overlay") {
		p.unserved = "GOFLAGS has an overlay already"
		return
	}
	if slices.ContainsFunc(set.flags, func(f string) bool { return strings.HasPrefix(strings.TrimLeft(f, "-"), "overlay") }) {
		p.unserved = "its flags have an overlay already"
		return
	}
	served, err := b.served(ctx, t, set, *replaced)
	if err != nil {
		p.unserved = firstLine(err.Error())
		return
	}
	p.tests = served.Tests
	maps.Copy(replaced.files, served.Files)
}

func (b *builder) served(ctx context.Context, t target, set settings, replaced replacement) (serve.Served, error) {
	overlaid, err := b.overlay(replaced.files)
	if err != nil {
		return serve.Served{}, err
	}
	args := slices.Concat([]string{"list", "-json=ImportPath,Standard,Dir,Name,TestGoFiles,XTestGoFiles"}, set.flags, replaced.args, overlaid, []string{t.pkg, "testing"})
	exit, err := b.goOutput(ctx, t.dir, append(withEnv(nil, set.buildEnv), replaced.env...), args...)
	if err != nil {
		return serve.Served{}, fmt.Errorf("finding the test files: %w: %s", err, exit.Tail(maxTail))
	}
	var p serve.Package
	found, testing := false, ""
	for list := json.NewDecoder(bytes.NewReader(exit.Stdout)); list.More(); {
		var one struct {
			serve.Package
			ImportPath string
			Standard   bool
		}
		if err := list.Decode(&one); err != nil {
			return serve.Served{}, fmt.Errorf("finding the test files: %w", err)
		}
		if one.Standard && one.ImportPath == "testing" {
			testing = one.Dir
		} else if !found {
			p, found = one.Package, true
		}
	}
	p.Testing = testing
	return serve.Generate(p, replaced.files)
}
