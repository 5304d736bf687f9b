package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tunelab/harness"
	"tunelab/harness/calibrate"
	"tunelab/reports"
	"tunelab/scenarios"
)

func calibrateCommand() *cobra.Command {
	var o calibrate.Options
	cmd := &cobra.Command{
		Use:   "calibrate [SCENARIO|FILE.toml]",
		Short: "How often verdicts are wrong on this machine, and how small a change they find",
		Long: `Calibrate measures benchmarks against themselves: one binary, the same code in two link layouts, and slowdowns of
known size. It says how often equal sides are called different, how often a slowdown of 1, 2, 5 and 10 % is found and in
how much machine time, and the same for the usual ways to measure, on the same minutes.

Without a scenario it measures four workloads of its own; with one, the benchmarks of its base. The calibration is kept
in the folder of runs, and runs there show it beside their verdicts.`,
		Example: "  tunelab calibrate\n  tunelab calibrate ./mine.toml --budget 20m",
		Args:    cobra.MaximumNArgs(1),
	}
	resultsFlag(cmd, &o.Results)
	flags := cmd.Flags()
	flags.DurationVar(&o.Budget, "budget", 7*time.Minute, "wall `TIME` of measuring, builds not counted")
	flags.Uint64Var(&o.Seed, "seed", 0, "fix orders, layouts and sign vectors (random when not given)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Budget < time.Minute {
			return fmt.Errorf("a budget of %v: calibrating takes a minute or more", o.Budget)
		}
		path := calibrate.Own
		if len(args) > 0 {
			var err error
			if path, err = scenarios.Find(args[0]); err != nil {
				return err
			}
		} else if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no %s: run this in a checkout of tunelab, or name a scenario", path)
		}
		sc, err := scenarios.Read(path)
		if err != nil {
			return err
		}
		if !cmd.Flags().Changed("seed") {
			o.Seed = rand.Uint64() >> 11 // every JSON reader holds 53 bits
		}
		return runCalibration(cmd.Context(), cmd, sc, o)
	}
	return cmd
}

func runCalibration(ctx context.Context, cmd *cobra.Command, sc *scenarios.Scenario, o calibrate.Options) error {
	o.Command = []string{"tunelab", "calibrate", sc.Path, "--budget", o.Budget.String(), "--seed", fmt.Sprint(o.Seed)}
	show := showProgress(cmd)
	o.Tell = show.Tell
	o.Say = func(text string) { show.Tell(harness.Progress{Stage: "calibrate", Text: text}) }
	c, err := calibrate.Run(ctx, sc, o)
	show.Close()
	if err != nil {
		return err
	}
	if err := c.Write(o.Results); err != nil {
		return err
	}
	page := filepath.Join(o.Results, calibrationPage)
	if err := writeFile(ctx, page, func(w io.Writer) error { return reports.CalibrationHTML(w, c) }); err != nil {
		return err
	}
	if err := reports.CalibrationText(cmd.OutOrStdout(), c, textOptions(cmd.OutOrStdout())); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "\npage: %s\n", page)
	return err
}
