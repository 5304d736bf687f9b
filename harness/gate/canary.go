package gate

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"tunelab/harness"
	"tunelab/results"
	"tunelab/results/nights"
	"tunelab/results/verdict"
	"tunelab/scenarios"
)

// The canary's module, which is written out and built like anybody's. Its slow variant does a known share of steps more.
//
//go:embed canary
var canaryFiles embed.FS

const (
	canarySteps   = 20000 // as the file has it
	canaryShare   = 6     // of the budget goes to the canary: one part in so many
	canaryLeast   = 20 * time.Second
	canaryMost    = 90 * time.Second
	canaryFamily  = 0.02 // chance that it flags one of two equal sides; its twin is one
	twinTooOften  = 0.01 // chance below which the twin's alarms are more than chance
	twinAlarmRate = canaryFamily / 2
)

// CanaryBudget is the canary's part of a night's budget: what it leaves is for the others.
func CanaryBudget(budget time.Duration) time.Duration {
	return min(max(budget/canaryShare, canaryLeast), canaryMost)
}

// writeCanary writes the canary's module into dir, with a slowdown as a share.
func writeCanary(dir string, slowdown float64) error {
	slow := strconv.Itoa(canarySteps + int(math.Round(slowdown*canarySteps)))
	for name, out := range map[string]string{"go.mod.txt": "go.mod", "canary_test.go.txt": "canary_test.go", "canary.toml": "canary.toml"} {
		text, err := canaryFiles.ReadFile("canary/" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, out), []byte(strings.ReplaceAll(string(text), "SLOW", slow)), 0o666)
		}
		if err != nil {
			return fmt.Errorf("writing the canary: %w", err)
		}
	}
	return nil
}

// measureCanary measures the canary, and returns what came of it and how long that took.
func (r *Result) measureCanary(ctx context.Context, slowdown float64, o harness.Options) (c nights.Canary, took time.Duration, err error) {
	c = nights.Canary{Slowdown: slowdown}
	dir := filepath.Join(o.Hold.Dir(), "canary") // goes with the hold
	if err := os.Mkdir(dir, 0o777); err != nil {
		return c, 0, fmt.Errorf("making a folder for the canary: %w", err)
	}
	if err := writeCanary(dir, slowdown); err != nil {
		return c, 0, err
	}
	sc, err := scenarios.Read(filepath.Join(dir, "canary.toml"))
	if err != nil {
		return c, 0, err
	}
	out, err := harness.Run(ctx, sc, o)
	if err != nil {
		return c, 0, fmt.Errorf("measuring the canary: %w", err)
	}
	if r.canary, err = results.Read(out.Dir); err != nil {
		return c, 0, err
	}
	for _, x := range r.canary.Compare() {
		switch x.Variant {
		case "slow":
			c.Found, c.Ratio = x.Verdict == verdict.Worse, x.Ratio
		case "twin":
			c.TwinFlag = x.Verdict == verdict.Worse || x.Verdict == verdict.Better
		}
	}
	if len(out.Failures) > 0 {
		err = errors.New(strings.Join(out.Failures, "; "))
	}
	return c, time.Duration(r.canary.Done.ElapsedMS) * time.Millisecond, err
}

// twinIsSuspect reports whether the canary's twin was flagged in more nights than chance allows: by the binomial tail, at
// the rate that is fixed for one night.
func twinIsSuspect(flagged, all int) bool {
	nights := distuv.Binomial{N: float64(all), P: twinAlarmRate}
	return flagged > 0 && nights.Survival(float64(flagged-1)) < twinTooOften
}
