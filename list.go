package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunelab/harness"
	"tunelab/scenarios"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [DIR]",
		Short: "The scenarios, what each asks, and about how long it takes",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := scenarios.Dir
			if len(args) > 0 {
				dir = args[0]
			}
			return list(cmd, dir)
		},
	}
}

func list(cmd *cobra.Command, dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.toml"))
	if err != nil {
		return fmt.Errorf("listing scenarios: %w", err)
	}
	if len(paths) == 0 {
		return fmt.Errorf("no scenario files (*.toml) in %s: run this in a checkout of tunelab, or name a folder", dir)
	}
	var broken error
	for _, path := range paths {
		sc, err := scenarios.Read(path)
		if err != nil {
			broken = err
			fmt.Fprintln(cmd.ErrOrStderr(), err)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n  %s\n  %d variants; %s\n", sc.Name, sc.Question, len(sc.Variants), takes(sc))
		if len(sc.Parts) > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "  run after it, as parts of the question: %s\n", strings.Join(sc.Parts, ", "))
		}
	}
	if broken != nil {
		return fmt.Errorf("not every scenario in %s can be read", dir)
	}
	return nil
}

func takes(sc *scenarios.Scenario) string {
	quick := harness.DefaultBudget(sc)
	text := fmt.Sprintf("about %s and the builds", minutes(quick))
	if sc.Long {
		text = fmt.Sprintf("long: its builds take most of an hour, then about %s", minutes(quick))
	}
	if n := len(sc.Quick.Cases); n > 0 {
		text += fmt.Sprintf(" for the %d quick cases", n)
	}
	if full := harness.FullBudget(sc); full > quick {
		text += fmt.Sprintf("; for all cases --full, %s", minutes(full))
	}
	return text
}

// minutes writes a duration as --budget takes it, without "0s".
func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return strings.TrimSuffix(d.String(), "0s")
	}
	return d.String()
}
