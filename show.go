package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tunelab/reports"
	"tunelab/results"
)

func showCommand() *cobra.Command {
	var root string
	var asJSON, asMarkdown, asCSV, schema bool
	cmd := &cobra.Command{
		Use:   "show RUN …",
		Short: "The verdicts again, from the file alone",
		Long: `Show prints the verdicts of runs, computed from their files. RUN is a run's name, its folder, a bench.txt, or last.

Benchmark files that tunelab did not write have no record of blocks and order: they get a table as benchstat prints
it, a column for each file, and no verdict.`,
		Example: "  tunelab show last\n  tunelab show results/runs/raftcommit-20261123-071500 --json\n  tunelab show old.txt new.txt",
	}
	resultsFlag(cmd, &root)
	cmd.Flags().BoolVar(&asJSON, "json", false, "an array with an object for each run")
	cmd.Flags().BoolVar(&asMarkdown, "markdown", false, "for a pull request or a CI summary")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "the trials, a line for each of their values")
	cmd.Flags().BoolVar(&schema, "schema", false, "the JSON schema of what --json prints; no RUN is needed")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown", "csv", "schema")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if schema {
			_, err := io.WriteString(cmd.OutOrStdout(), reports.Schema)
			return err
		}
		if len(args) == 0 {
			return errors.New("which run? tunelab show last shows the latest")
		}
		var paths []string
		for _, arg := range args {
			path, err := results.Find(root, arg)
			if err != nil {
				return err
			}
			paths = append(paths, path)
		}
		runs, plain, err := readRuns(paths)
		if err != nil {
			return err
		}
		if len(plain) > 0 {
			return showPlain(cmd, runs, plain, asJSON || asMarkdown || asCSV)
		}
		for _, s := range runs {
			warnProblems(cmd, s)
		}
		switch {
		case asJSON:
			return reports.JSON(cmd.OutOrStdout(), runs)
		case asCSV:
			return reports.CSV(cmd.OutOrStdout(), runs)
		case asMarkdown:
			for _, s := range runs {
				if err := reports.Markdown(cmd.OutOrStdout(), s); err != nil {
					return err
				}
			}
			return nil
		}
		for i, s := range runs {
			if i > 0 {
				fmt.Fprintln(cmd.OutOrStdout())
			}
			if err := printText(cmd.OutOrStdout(), s); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// readRuns reads runs, and returns the files that are none. Each is read once: it may be a pipe.
func readRuns(paths []string) (runs []*reports.Summary, plain []reports.PlainFile, err error) {
	for _, path := range paths {
		name, data, err := results.Load(path)
		if err != nil {
			return nil, nil, err
		}
		file, err := results.Parse(name, data)
		if errors.Is(err, results.ErrNoRun) {
			plain = append(plain, reports.PlainFile{Name: name, Data: data})
			continue
		} else if err != nil {
			return nil, nil, err
		}
		runs = append(runs, reports.Summarize(file))
	}
	return runs, plain, nil
}

func showPlain(cmd *cobra.Command, runs []*reports.Summary, plain []reports.PlainFile, formatted bool) error {
	if len(runs) > 0 {
		return fmt.Errorf("%s has no # trial records and the others have: show them apart", plain[0].Name)
	}
	if formatted {
		return fmt.Errorf("%s has no # trial records, so there are no verdicts to print as JSON, Markdown or CSV: leave the flag out for a table", plain[0].Name)
	}
	return reports.Benchstat(cmd.OutOrStdout(), cmd.ErrOrStderr(), plain, width(cmd.OutOrStdout()))
}

func warnProblems(cmd *cobra.Command, s *reports.Summary) {
	for _, p := range s.File.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), p)
	}
}
