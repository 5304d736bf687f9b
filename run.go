package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunelab/harness"
	"tunelab/reports"
	"tunelab/results"
	"tunelab/scenarios"
)

func runCommand() *cobra.Command {
	var o harness.Options
	var seed uint64
	var resume string
	var full bool
	cmd := &cobra.Command{
		Use:   "run SCENARIO|FILE.toml …",
		Short: "Measure, print the verdict, write the page",
		Long: `Run measures scenarios: a name is looked up in ./scenarios, anything with a slash or .toml is a file.

Every variant is built and its correctness test run; a pilot on the base alone finds the cases, how many iterations
make a trial, and what a trial costs. From that comes the plan, which nothing changes afterwards. Then blocks of fresh
processes run in random order until every comparison is decided, or the time is up.

A scenario may have parts, scenarios of their own that are run after it, each with its own budget, or with that of
--budget where it is given. --full gives each what all its cases need, as list says.

Results go to a folder of their own under --results: bench.txt, readable by benchstat, and page.html.
Ctrl-C ends a run so that --resume can go on with it.`,
		Example: `  tunelab run raftcommit
  tunelab run ./mine.toml --budget 60s --seed 1
  tunelab run raftcommit --resume last`,
	}
	flags := cmd.Flags()
	resultsFlag(cmd, &o.Results)
	flags.DurationVar(&o.Budget, "budget", 0, "wall `TIME` of each scenario, builds not counted (default: what list says)")
	flags.Uint64Var(&seed, "seed", 0, "fix the order of blocks and the sign vectors (random when not given)")
	flags.BoolVar(&o.Quick, "quick", false, "measure only the scenario's quick cases")
	flags.BoolVar(&full, "full", false, "take the time that every scenario needs for all its cases")
	flags.StringSliceVar(&o.Profiles, "profile", nil, "then take profiles of these `KINDS`, in trials that don't count, on top of the budget: "+strings.Join(harness.ProfileKinds, ", "))
	flags.StringVar(&resume, "resume", "", "go on with an interrupted `RUN`: its name, its folder, or last")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if flags.Changed("seed") {
			o.Seed = &seed
		}
		if flags.Changed("budget") && o.Budget < time.Second {
			return fmt.Errorf("a budget of %v: nothing can be measured in less than 1s", o.Budget)
		}
		for _, kind := range o.Profiles {
			if !slices.Contains(harness.ProfileKinds, kind) {
				return fmt.Errorf("--profile: there is no kind %q; there are %s", kind, strings.Join(harness.ProfileKinds, ", "))
			}
		}
		if resume != "" {
			for _, name := range []string{"budget", "seed", "quick", "full"} {
				if flags.Changed(name) {
					return fmt.Errorf("--%s with --resume: the plan of a run stays as it was made", name)
				}
			}
			return resumeRun(cmd, args, resume, o)
		}
		if len(args) == 0 {
			return errors.New("which scenario? tunelab list shows them")
		}
		if full && (o.Quick || flags.Changed("budget")) {
			return errors.New("--full says how long to measure, and so do --quick and --budget: give one of them")
		}
		return runAll(cmd, args, full, o)
	}
	return cmd
}

func resultsFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "results", filepath.Join("results", "runs"), "the folder that run folders are in")
}

// A chosen scenario is one to run, and the argument that names it.
type chosen struct {
	arg      string
	scenario *scenarios.Scenario
}

// readScenarios reads every file before the first is run: a typo in the last should not cost the time of the others.
// A scenario's parts follow it.
func readScenarios(args []string) ([]chosen, error) {
	var list []chosen
	for _, arg := range args {
		path, err := scenarios.Find(arg)
		if err != nil {
			return nil, err
		}
		sc, err := scenarios.Read(path)
		if err != nil {
			return nil, err
		}
		list = append(list, chosen{arg, sc})
		for i, path := range sc.PartPaths() {
			part, err := scenarios.Read(path)
			if err != nil {
				return nil, fmt.Errorf("%s: part %q: %w", sc.Position("parts"), sc.Parts[i], err)
			}
			if arg == sc.Name {
				path = sc.Parts[i]
			}
			list = append(list, chosen{path, part})
		}
	}
	return list, nil
}

func runAll(cmd *cobra.Command, args []string, full bool, o harness.Options) error {
	list, err := readScenarios(args)
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range list {
		if full {
			o.Budget = harness.FullBudget(c.scenario)
		}
		o.Command = commandLine(cmd, c.arg, o)
		show := showProgress(cmd)
		o.Tell = show.Tell
		out, err := harness.Run(cmd.Context(), c.scenario, o)
		show.Close()
		if err := conclude(cmd, c.arg, out, err); errors.Is(err, harness.ErrFailed) {
			failed = append(failed, err)
		} else if err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
	return errors.Join(failed...)
}

func resumeRun(cmd *cobra.Command, args []string, run string, o harness.Options) error {
	dir, err := results.Find(o.Results, run)
	if err != nil {
		return err
	}
	file, err := results.Read(dir)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{file.Run.Scenario}
	}
	if len(args) != 1 { // its parts are runs of their own
		return fmt.Errorf("--resume goes on with one run, not with %d scenarios", len(args))
	}
	list, err := readScenarios(args)
	if err != nil {
		return err
	}
	o.Command = file.Run.Command
	show := showProgress(cmd)
	o.Tell = show.Tell
	out, err := harness.Resume(cmd.Context(), list[0].scenario, filepath.Dir(file.Path), o)
	show.Close()
	return conclude(cmd, args[0], out, err)
}

// conclude prints what a run came to and writes its page, also after a run that was cut short.
func conclude(cmd *cobra.Command, scenario string, out harness.Outcome, err error) error {
	if err != nil {
		if out.Dir != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "The trials so far are in %s. Go on with:\n  tunelab run %s --resume %s\n", out.Dir, scenario, out.Dir)
		}
		return err
	}
	file, err := results.Read(out.Dir)
	if err != nil {
		return err
	}
	summary := reports.Summarize(file)
	page := filepath.Join(out.Dir, pageName)
	pageErr := writePage(cmd.Context(), page, summary)
	if err := otherThanLost(printText(cmd.OutOrStdout(), summary)); err != nil {
		return err
	}
	if pageErr != nil {
		return fmt.Errorf("%w: %w", harness.ErrFailed, pageErr)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\npage: %s\n", page)
	if len(out.Failures) > 0 {
		return fmt.Errorf("%w: %s", harness.ErrFailed, strings.Join(out.Failures, "; "))
	}
	return nil
}

func printText(w io.Writer, s *reports.Summary) error { return reports.Text(w, s, textOptions(w)) }

func textOptions(w io.Writer) reports.TextOptions {
	return reports.TextOptions{Width: width(w), Color: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
}

// commandLine returns the command that repeats the run.
func commandLine(cmd *cobra.Command, scenario string, o harness.Options) []string {
	line := []string{"tunelab", "run", scenario}
	if cmd.Flags().Changed("full") {
		line = append(line, "--full")
	}
	if cmd.Flags().Changed("budget") {
		line = append(line, "--budget", o.Budget.String())
	}
	if o.Quick {
		line = append(line, "--quick")
	}
	if len(o.Profiles) > 0 {
		line = append(line, "--profile", strings.Join(o.Profiles, ","))
	}
	if o.Seed != nil {
		line = append(line, "--seed", fmt.Sprint(*o.Seed))
	}
	return line
}
