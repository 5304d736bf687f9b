package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tunelab/reports"
	"tunelab/results"
	"tunelab/results/calibration"
)

const (
	pageName        = "page.html"
	calibrationPage = "calibration.html"
)

func reportCommand() *cobra.Command {
	var root, out string
	cmd := &cobra.Command{
		Use:   "report [RUN|DIR …]",
		Short: "The HTML pages again, from the files alone",
		Long: `Report writes the page of each run, and for a folder with several runs an index beside them.
Without arguments it takes all runs under --results.`,
		Example: "  tunelab report\n  tunelab report last --out /tmp/pages",
	}
	resultsFlag(cmd, &root)
	cmd.Flags().StringVar(&out, "out", "", "write the pages to this `DIR` instead of beside the results")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{root}
		}
		for _, arg := range args {
			if err := report(cmd, root, arg, out); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func report(cmd *cobra.Command, root, arg, out string) error {
	if c, err := calibration.Read(arg); err != nil {
		return err
	} else if c != nil {
		page := filepath.Join(cmp.Or(out, arg), calibrationPage)
		if err := writeFile(page, func(w io.Writer) error { return reports.CalibrationHTML(w, c) }); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), page)
		if dirs, err := results.List(arg); err != nil || len(dirs) == 0 {
			return nil // a calibration and no runs
		}
	}
	path, err := results.Find(root, arg)
	if err != nil {
		return err
	}
	dirs, err := results.List(path)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		return reportRun(cmd, path, out)
	}
	return reportDir(cmd, path, dirs, out)
}

func reportRun(cmd *cobra.Command, path, out string) error {
	file, err := results.Read(path)
	if err != nil {
		return err
	}
	s := reports.Summarize(file)
	warnProblems(cmd, s)
	page := filepath.Join(filepath.Dir(file.Path), pageName)
	if out != "" {
		page = filepath.Join(out, file.Run.ID+".html")
	}
	if err := writePage(page, s); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), page)
	return nil
}

func reportDir(cmd *cobra.Command, root string, dirs []string, out string) error {
	var links []string
	var runs []*reports.Summary
	for _, dir := range dirs {
		file, err := results.Read(dir)
		if err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "left out: %v\n", err)
			continue
		}
		s := reports.Summarize(file)
		link := filepath.ToSlash(filepath.Join(filepath.Base(dir), pageName))
		page := filepath.Join(dir, pageName)
		if out != "" {
			link = filepath.Base(dir) + ".html"
			page = filepath.Join(out, link)
		}
		if err := writePage(page, s); err != nil {
			return err
		}
		runs, links = append(runs, s), append(links, link)
	}
	if len(runs) == 0 {
		return fmt.Errorf("no readable run under %s", root)
	}
	if out == "" {
		out = root
	}
	index := filepath.Join(out, "index.html")
	if err := writeFile(index, func(w io.Writer) error { return reports.Index(w, runs, links) }); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), index)
	return nil
}

func writePage(path string, s *reports.Summary) error {
	return writeFile(path, func(w io.Writer) error { return reports.HTML(w, s) })
}

// writeFile writes beside path and renames, so that a page is there whole or not at all.
func writeFile(path string, render func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w; choose another folder with --out", path, err)
	}
	err = errors.Join(render(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
