package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunelab/harness"
	"tunelab/harness/gate"
	"tunelab/harness/repo"
	"tunelab/reports"
	"tunelab/results"
	"tunelab/results/nights"
	"tunelab/scenarios"
)

func compareCommand() *cobra.Command {
	var q gate.Question
	var seed uint64
	var oldBuild, newBuild, out, summary string
	var metrics, better []string
	cmd := &cobra.Command{
		Use:   "compare OLD [NEW] [-- PACKAGE… FLAG…]",
		Short: "Two git revisions of any Go module, one verdict per benchmark",
		Long: `Compare measures the benchmarks of two git revisions against each other: OLD and NEW are branches, tags or commits, and
NEW is the work tree as it is where it is left out or ".". Each revision is built in a checkout of its own; yours is not
touched. The same revision twice with --old-build and --new-build compares two ways to build it.

Checkouts have what is round the repository: a go.work above or one that git ignores, replacements, vendored modules,
files of git-lfs and submodules as far as this clone has them. What git ignores besides they get by --carry.

Packages are written as for the go command, relative to here; without any, all below here that have benchmarks, those of
nested modules where here is in none. A package that both sides build into the same bytes, and whose benchmarks read
nothing in which the sides differ, is passed over: nothing can differ. Flags are those that go test takes, for both sides:
-short, -cpu=4, -tags=x, -race, flags of the tests' own (-data=big), and what follows -args.`,
		Example: "  tunelab compare v1.2.0\n  tunelab compare main HEAD --bench Encode -- ./codec\n" +
			"  tunelab compare v1.2.0 -- ./codec -short -tags=big -args -data=./corpus\n" +
			"  tunelab compare HEAD HEAD --old-build GOAMD64=v1 --new-build GOAMD64=v3",
	}
	flags := cmd.Flags()
	resultsFlag(cmd, &q.Results)
	flags.StringVar(&q.Bench, "bench", "", "measure benchmarks that match this `RE`, as -test.bench takes it")
	flags.DurationVar(&q.Budget, "budget", 3*time.Minute, "wall `TIME` of measuring, builds not counted")
	flags.StringSliceVar(&metrics, "metric", gate.DefaultMetrics, "the `UNITS` that get verdicts")
	flags.StringSliceVar(&better, "better", nil, "which way is better in `UNIT=higher` or UNIT=lower, for units of your own")
	flags.StringVar(&oldBuild, "old-build", "", "build OLD with these `SETTINGS`: flags of go build and variables, \"-tags=a GOAMD64=v3\"")
	flags.StringVar(&newBuild, "new-build", "", "build NEW with these `SETTINGS`")
	flags.Uint64Var(&seed, "seed", 0, "fix the order of blocks and the sign vectors (random when not given)")
	flags.StringArrayVar(&q.Carry, "carry", nil, "copy this file or folder `PATH` of the work tree, where git does not track it, into every checkout (repeatable)")
	flags.StringVar(&out, "out", "", "write the pages to this `DIR` too")
	flags.StringVar(&summary, "summary", "", "append a summary in Markdown to this `FILE`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		revisions := args
		if at := cmd.ArgsLenAtDash(); at >= 0 {
			var err error
			revisions = args[:at]
			if q.Flags, q.Patterns, err = scenarios.ParseTestFlags(args[at:]); err != nil {
				return err
			}
		}
		if len(revisions) < 1 || len(revisions) > 2 {
			return fmt.Errorf("compare takes one or two revisions and has %d; packages stand behind --", len(revisions))
		}
		if q.Budget < time.Second {
			return fmt.Errorf("a budget of %v: nothing can be measured in less than 1s", q.Budget)
		}
		if flags.Changed("seed") {
			q.Seed = &seed
		}
		var err error
		if q.Metrics.Better, err = directions(metrics, better); err != nil {
			return err
		}
		q.Metrics.Primary, q.Kind, q.Own = metrics, "compare", []string{out, summary}
		if err := compareSides(cmd, &q, revisions, oldBuild, newBuild); err != nil {
			return err
		}
		q.Command = asTyped()
		return compare(cmd, &q, out, summary)
	}
	return cmd
}

// directions reads which way is better, and wants that of every metric.
func directions(metrics, better []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range better {
		unit, way, _ := strings.Cut(text, "=")
		if unit == "" || way != "higher" && way != "lower" {
			return nil, fmt.Errorf("--better %s: write UNIT=higher or UNIT=lower", text)
		}
		out[unit] = way
	}
	for _, unit := range metrics {
		if out[unit] == "" && !scenarios.KnowsBetter(unit) {
			return nil, fmt.Errorf("--metric %s: nobody knows whether more of it is better: add --better %s=higher, or %s=lower", unit, unit, unit)
		}
	}
	return out, nil
}

func compareSides(cmd *cobra.Command, q *gate.Question, revisions []string, oldBuild, newBuild string) (err error) {
	ctx := cmd.Context()
	if q.Repo, q.Prefix, err = repo.Open(ctx, "."); err != nil {
		return err
	}
	tip := "."
	if len(revisions) > 1 {
		tip = revisions[1]
	}
	for i, name := range q.Carry {
		if q.Carry[i], err = q.Repo.Inside(q.Prefix, name); err != nil {
			return fmt.Errorf("--carry: %w", err)
		}
	}
	if q.Old, err = gate.MakeSide(ctx, q.Repo, revisions[0]); err != nil {
		return err
	}
	if q.New, err = gate.MakeSide(ctx, q.Repo, tip); err != nil {
		return err
	}
	if q.Old.Flags, q.Old.BuildEnv, err = gate.ParseBuild(oldBuild); err != nil {
		return fmt.Errorf("--old-build: %w", err)
	}
	if q.New.Flags, q.New.BuildEnv, err = gate.ParseBuild(newBuild); err != nil {
		return fmt.Errorf("--new-build: %w", err)
	}
	return nil
}

func compare(cmd *cobra.Command, q *gate.Question, out, summary string) error {
	show := showProgress(cmd)
	q.Tell = show.Tell
	report, err := gate.Compare(cmd.Context(), q)
	show.Close()
	if err != nil {
		return err
	}
	night := report.Night(cmd.Context(), nil)
	runs, err := runPages(cmd.Context(), report.Files(), out)
	if err == nil {
		err = appendSummary(summary, nightSummary("tunelab compare: "+report.Question.Old.Said()+" and "+report.Question.New.Said(), night))
	}
	if len(runs) == 1 {
		err = errors.Join(err, otherThanLost(printText(cmd.OutOrStdout(), runs[0])))
		fmt.Fprintln(cmd.OutOrStdout())
	}
	err = errors.Join(err, otherThanLost(reports.FindingsText(cmd.OutOrStdout(), night, textOptions(cmd.OutOrStdout()))))
	printPages(cmd, report.Files(), out)
	if err != nil {
		return err
	}
	return report.Err()
}

// runPages writes the pages of runs beside their results, and those and an index to the folder out, if there is one.
func runPages(ctx context.Context, files []*results.File, out string) ([]*reports.Summary, error) {
	var runs []*reports.Summary
	var links []string
	for _, file := range files {
		s := reports.Summarize(file)
		link := file.Run.ID + ".html"
		runs, links = append(runs, s), append(links, link)
		err := writePage(ctx, pageOf(file), s)
		if out != "" {
			err = errors.Join(err, writePage(ctx, filepath.Join(out, link), s))
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", harness.ErrFailed, err)
		}
	}
	if out == "" {
		return runs, nil
	}
	err := writeFile(ctx, filepath.Join(out, "index.html"), func(w io.Writer) error { return reports.Index(w, runs, links) })
	return runs, err
}

// pageOf is where a run's page is, beside its results.
func pageOf(file *results.File) string { return filepath.Join(filepath.Dir(file.Path), pageName) }

func printPages(cmd *cobra.Command, files []*results.File, out string) {
	fmt.Fprintln(cmd.OutOrStdout())
	if out != "" {
		fmt.Fprintf(cmd.OutOrStdout(), "pages: %s\n", filepath.Join(out, "index.html"))
		return
	}
	for _, file := range files {
		fmt.Fprintf(cmd.OutOrStdout(), "page: %s\n", pageOf(file))
	}
}

// appendSummary adds to a file, as $GITHUB_STEP_SUMMARY wants it; to none when path is "".
func appendSummary(path string, render func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	var text bytes.Buffer // in one write, so that there is no half of it
	err := render(&text)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666); err == nil {
			_, err = f.Write(text.Bytes())
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// nightSummary is what a night's summary is.
func nightSummary(title string, n *nights.Night) func(io.Writer) error {
	return func(w io.Writer) error { return reports.NightMarkdown(w, title, n, nil) }
}
