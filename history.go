package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tunelab/harness/gate"
	"tunelab/harness/repo"
	"tunelab/reports"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// A historyFlags is what a user wants of a history.
type historyFlags struct {
	config, spec, out, summary string
	asJSON, asMarkdown, schema bool
	all, confirm               bool
	budget                     time.Duration
	results                    string
}

func historyCommand() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "history [DIR|git:BRANCH]",
		Short: "What changed over the nights, and with which commit",
		Long: `History reads what the gate kept, or any folder of Go benchmark files that have commit: and date: (or commit-time:)
lines, and finds the nights at which a benchmark changed for good. Nights of another machine, Go version, protocol or
baseline are never mixed into one series.

What it finds are candidates. --confirm measures the commits on both sides of each anew, and where that holds and several
commits lie between, halves them until the one is found. That needs the repository here, and is kept with the nights.`,
		Example: "  tunelab history\n  tunelab history --confirm --budget 1m\n  tunelab history bench-results/ --json",
		Args:    cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	resultsFlag(cmd, &f.results)
	flags.StringVar(&f.config, "config", gate.ConfigFile, "the gate's settings, which say where nights are kept")
	flags.StringVar(&f.spec, "history", "", "read nights from this `DIR`, or from a branch (git:BRANCH), instead of what the settings say")
	flags.StringVar(&f.out, "out", filepath.Join("results", "trends"), "write the pages to this `DIR`")
	flags.StringVar(&f.summary, "summary", "", "append a summary in Markdown to this `FILE`")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON and write no page")
	flags.BoolVar(&f.schema, "schema", false, "print the JSON schema of what --json prints; no history is needed")
	flags.BoolVar(&f.asMarkdown, "markdown", false, "print Markdown and write no page")
	flags.BoolVar(&f.all, "all", false, "a page for every series, not only for those that changed")
	flags.BoolVar(&f.confirm, "confirm", false, "measure both sides of each candidate anew, and bisect")
	flags.DurationVar(&f.budget, "budget", time.Minute, "with --confirm: wall `TIME` of each comparison, builds not counted")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown", "schema")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.schema {
			_, err := io.WriteString(cmd.OutOrStdout(), reports.TrendSchema)
			return err
		}
		if len(args) > 0 && f.spec != "" {
			return errors.New("the history twice: name it as --history or as an argument")
		}
		if len(args) > 0 {
			f.spec = args[0]
		}
		return history(cmd, f)
	}
	return cmd
}

func history(cmd *cobra.Command, f historyFlags) error {
	config, err := gate.ReadConfig(f.config)
	if err != nil && f.spec == "" && (cmd.Flags().Changed("config") || !isMissing(f.config)) {
		return err
	}
	store, err := openHistory(f.spec, config)
	if err != nil {
		return err
	}
	read, err := nights.Read(store)
	if err != nil {
		return fmt.Errorf("%w; the gate keeps some (tunelab gate), or name a folder or git:BRANCH", err)
	}
	trend := trendOf(read)
	if f.confirm {
		if err := confirmAll(cmd, store, read, trend, config, f); err != nil {
			return err
		}
		trend = trendOf(read)
	}
	return showTrend(cmd, trend, f)
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// trendOf is what the nights say.
func trendOf(h *nights.History) *reports.Trend {
	t := &reports.Trend{Nights: h.Nights, Lines: nights.Series(h.Nights)}
	t.Events = nights.Events(t.Lines, h.Confirmations)
	for _, p := range h.Problems {
		t.Problems = append(t.Problems, p.Error())
	}
	return t
}

func showTrend(cmd *cobra.Command, t *reports.Trend, f historyFlags) error {
	out := cmd.OutOrStdout()
	if err := appendSummary(f.summary, func(w io.Writer) error { return reports.TrendMarkdown(w, t) }); err != nil {
		return err
	}
	switch {
	case f.asJSON:
		return reports.TrendJSON(out, t)
	case f.asMarkdown:
		return reports.TrendMarkdown(out, t)
	}
	var text bytes.Buffer // printed when the pages are there, whatever becomes of standard output
	if err := reports.TrendText(&text, t, textOptions(out)); err != nil {
		return err
	}
	changed := map[*nights.Line]bool{}
	for _, l := range t.Lines {
		changed[l] = f.all || len(l.Steps) > 0
	}
	t.Index = "index.html"
	t.Link = func(l *nights.Line) string {
		if !changed[l] {
			return ""
		}
		return reports.TrendFile(l)
	}
	index := filepath.Join(f.out, t.Index)
	if err := writeFile(cmd.Context(), index, func(w io.Writer) error { return reports.TrendIndex(w, t) }); err != nil {
		return err
	}
	for _, l := range t.Lines {
		if !changed[l] {
			continue
		}
		err := writeFile(cmd.Context(), filepath.Join(f.out, reports.TrendFile(l)), func(w io.Writer) error { return reports.TrendPage(w, t, l) })
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s\npage: %s\n", text.Bytes(), index)
	return err
}

// confirmAll measures every candidate that nobody confirmed, the newest first, and keeps what came of it at once: a session
// that ends in the middle loses nothing.
func confirmAll(cmd *cobra.Command, store nights.Store, h *nights.History, t *reports.Trend, config *gate.Config, f historyFlags) error {
	r, prefix, err := repo.Open(cmd.Context(), ".")
	if err != nil {
		return err
	}
	q := gate.Question{Repo: r, Prefix: prefix, Budget: f.budget, Results: f.results, Command: asTyped()}
	var metrics gate.Metrics
	if config != nil {
		metrics = config.Metrics
	}
	for _, e := range t.Events {
		for _, c := range e.Changes {
			if c.Confirmed != nil && c.Confirmed.Verdict != verdict.Undecided {
				continue
			}
			show := showProgress(cmd)
			q.Tell = show.Tell
			q.Metrics = metrics.Only(c.Line.Metric)
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s, %s, between %.12s and %.12s:\n", c.Line.Package, c.Line.Benchmark, c.Line.Metric, e.Before, e.After)
			found, err := gate.Bisect(cmd.Context(), q, gate.Suspect{Package: c.Line.Package, Benchmark: c.Line.Benchmark, Metric: c.Line.Metric, From: e.Before, To: e.After})
			show.Close()
			if err != nil && cmd.Context().Err() != nil {
				return err
			}
			if err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: not confirmed: %v\n", err)
				continue
			}
			if err := store.AddConfirmation(found); err != nil {
				return err
			}
			h.Confirmations = append(h.Confirmations, found)
		}
	}
	return nil
}
