package harness

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"tunelab/harness/internal/serve"
)

// serve adds to the files that replace others those by which the target's benchmarks run on command. Where that is not
// possible p says why, and its processes are given what to do by flags, one after another.
func (b *builder) serve(ctx context.Context, p *preparation, t target, set settings, replaced *replacement) {
	exit, err := b.goOutput(ctx, t.dir, append(withEnv(nil, set.buildEnv), replaced.env...), "env", "GOROOT")
	if err != nil {
		p.unserved = fmt.Sprintf("finding package testing: %v: %s", err, exit.Tail(maxTail))
		return
	}
	p.goroot = strings.TrimSpace(string(exit.Stdout))
	if strings.Contains(os.Getenv("GOFLAGS")+set.buildEnv["GOFLAGS"], "overlay") {
		p.unserved = "GOFLAGS has an overlay already"
		return
	}
	if slices.ContainsFunc(set.flags, func(f string) bool { return strings.HasPrefix(strings.TrimLeft(f, "-"), "overlay") }) {
		p.unserved = "its flags have an overlay already"
		return
	}
	files, err := serve.Generate(serve.Testing(p.goroot))
	if err != nil {
		p.unserved = firstLine(err.Error())
		return
	}
	maps.Copy(replaced.files, files)
}
