package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunelab/harness"
	"tunelab/harness/gate"
	"tunelab/reports"
	"tunelab/results"
	"tunelab/results/nights"
)

const gateName = "gate"

// errRed is a confirmed regression.
var errRed = errors.New("red")

// A gateFlags is where a night's results go.
type gateFlags struct{ config, history, out, summary string }

func gateCommand() *cobra.Command {
	var o gate.Options
	var f gateFlags
	var seed uint64
	cmd := &cobra.Command{
		Use:   gateName,
		Short: "The nightly job: the tip against a pinned baseline",
		Long: `Gate compares the tip of a git repository, HEAD, with the baseline that tunelab.toml names: every benchmark of the
packages named there whose build differs. What stands out is measured a second time, and the chance that a night without
any difference is red is at most family_error. Where tracked files have changes, the tip is the work tree.

Each night one benchmark of the gate's own gets a known slowdown. A night that does not find it says nothing.

Exit status: 0 pass; 1 a confirmed regression; 2 nothing can be said (nothing measured, a build failed, too noisy).`,
		Example: "  tunelab init\n  tunelab gate --budget 2m\n  tunelab gate --history git:tunelab-history --out pages --summary \"$GITHUB_STEP_SUMMARY\"",
		Args:    cobra.NoArgs,
	}
	flags := cmd.Flags()
	resultsFlag(cmd, &o.Results)
	flags.StringVar(&f.config, "config", gate.ConfigFile, "the gate's settings")
	flags.StringVar(&o.Baseline, "baseline", "", "compare with this `REV` instead of the one in the settings")
	flags.DurationVar(&o.Budget, "budget", 0, "wall `TIME` of measuring, builds not counted, instead of that in the settings")
	flags.StringVar(&f.history, "history", "", "keep the night in this `DIR`, or on a branch (git:BRANCH), instead of what the settings say")
	flags.StringVar(&f.out, "out", "", "write the pages to this `DIR` too")
	flags.StringVar(&f.summary, "summary", "", "append a summary in Markdown to this `FILE`")
	flags.Uint64Var(&seed, "seed", 0, "fix the order of blocks and the sign vectors (random when not given)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if flags.Changed("seed") {
			o.Seed = &seed
		}
		if flags.Changed("budget") && o.Budget < 30*time.Second {
			return fmt.Errorf("a budget of %v: a gate needs 30s or more", o.Budget)
		}
		config, err := gate.ReadConfig(f.config)
		if err != nil {
			return err
		}
		o.Now = time.Now()
		o.Command, o.Own = asTyped(), []string{f.out, f.history, f.summary}
		err = runGate(cmd, config, f, o)
		if errors.Is(err, harness.ErrFailed) {
			err = fmt.Errorf("nothing can be said: %v", err) // 1 is for regressions
		}
		return err
	}
	return cmd
}

func runGate(cmd *cobra.Command, config *gate.Config, f gateFlags, o gate.Options) error {
	store, err := openHistory(f.history, config)
	if err != nil {
		return err
	}
	past, err := nights.Read(store)
	if err != nil && !errors.Is(err, nights.ErrNone) {
		return err
	}
	if past != nil {
		for _, p := range past.Problems {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", p)
		}
		o.Before = ofMachine(past.Nights, harness.Host())
	}
	show := showProgress(cmd)
	o.Tell = show.Tell
	r, err := gate.Gate(cmd.Context(), config, o)
	show.Close()
	if err != nil {
		return err
	}
	return concludeNight(cmd, store, r, f)
}

// openHistory opens what a user named, or else what the settings name, relative to their file.
func openHistory(named string, config *gate.Config) (nights.Store, error) {
	if named != "" || config == nil {
		return nights.Open(cmp.Or(named, gate.DefaultHistory), ".")
	}
	dir := filepath.Dir(config.Path)
	if strings.HasPrefix(config.History, "git:") || filepath.IsAbs(config.History) {
		return nights.Open(config.History, dir)
	}
	return nights.Open(filepath.Join(dir, config.History), dir)
}

func paths(files []*results.File) []string {
	var out []string
	for _, f := range files {
		out = append(out, filepath.Dir(f.Path))
	}
	return out
}

// ofMachine leaves the nights that were measured on a machine like this one.
func ofMachine(list []*nights.Night, host results.Host) []*nights.Night {
	return slices.DeleteFunc(list, func(n *nights.Night) bool {
		return n.Host.Machine != host.Machine || n.Host.Go != host.Go || n.Protocol != results.Protocol
	})
}

// concludeNight keeps the night, shows it, and returns an error with the exit status.
func concludeNight(cmd *cobra.Command, store nights.Store, r *gate.Result, f gateFlags) error {
	out := cmd.OutOrStdout()
	var problems []error
	kept := ""
	if !r.Dirty {
		var err error
		if kept, err = store.Add(r.Night); err != nil {
			problems = append(problems, fmt.Errorf("keeping the night: %w; its trials are in %s", err, strings.Join(paths(r.Files()), ", ")))
		}
	}
	if _, err := runPages(cmd.Context(), r.Files(), f.out); err != nil {
		problems = append(problems, err)
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		problems = append(problems, reports.Annotations(out, r.Night))
	}
	problems = append(problems, reports.NightText(out, r.Night, textOptions(out)), appendSummary(f.summary, nightSummary("tunelab gate: "+r.Night.Outcome(), r.Night)))
	if kept != "" {
		fmt.Fprintf(out, "\nnight: %s\n", kept)
	}
	printPages(cmd, r.Files(), f.out)
	err := errors.Join(problems...)
	switch {
	case r.Night.Exit == gate.Red && err != nil: // nothing hides a regression
		return fmt.Errorf("%w: %s; besides: %v", errRed, r.Says, err)
	case r.Night.Exit == gate.Red:
		return fmt.Errorf("%w: %s", errRed, r.Says)
	case err != nil || r.Night.Exit == gate.Pass:
		return err
	}
	return fmt.Errorf("nothing can be said: %s", r.Says)
}
