package harness

import (
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
	args := slices.Concat([]string{"list", "-json=Dir,Name,TestGoFiles,XTestGoFiles"}, set.flags, replaced.args, overlaid, []string{t.pkg})
	exit, err := b.goOutput(ctx, t.dir, append(withEnv(nil, set.buildEnv), replaced.env...), args...)
	if err != nil {
		return serve.Served{}, fmt.Errorf("finding the test files: %w: %s", err, exit.Tail(maxTail))
	}
	var p serve.Package
	if err := json.Unmarshal(exit.Stdout, &p); err != nil {
		return serve.Served{}, fmt.Errorf("finding the test files: %w", err)
	}
	return serve.Generate(p, replaced.files)
}
