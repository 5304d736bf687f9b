package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

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
	var root, out, pictures string
	cmd := &cobra.Command{
		Use:   "report [RUN|DIR …]",
		Short: "The HTML pages again, from the files alone",
		Long: `Report writes the page of each run, and for a folder with several runs an index beside them.
Without arguments it takes all runs under --results.`,
		Example: "  tunelab report\n  tunelab report last --out /tmp/pages",
	}
	resultsFlag(cmd, &root)
	cmd.Flags().StringVar(&out, "out", "", "write the pages to this `DIR` instead of beside the results")
	cmd.Flags().StringVar(&pictures, "pictures", "", "write every picture into this `DIR` too, as SVG and as PNG, in a folder for each run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{root}
		}
		for _, arg := range args {
			if err := report(cmd, root, arg, destination{out, pictures}); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// A destination is where reports go.
type destination struct {
	pages    string // "" for beside the results
	pictures string // "" for nowhere
}

func report(cmd *cobra.Command, root, arg string, to destination) error {
	if c, err := calibration.Read(arg); err != nil {
		return err
	} else if c != nil {
		page := filepath.Join(cmp.Or(to.pages, arg), calibrationPage)
		if err := writeFile(cmd.Context(), page, func(w io.Writer) error { return reports.CalibrationHTML(w, c) }); err != nil {
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
	if len(dirs) == 0 && !results.IsRun(path) {
		return fmt.Errorf("no runs under %s; make one with: tunelab run SCENARIO", path)
	}
	if len(dirs) == 0 {
		return reportRun(cmd, path, to)
	}
	return reportDir(cmd, path, dirs, to)
}

func reportRun(cmd *cobra.Command, path string, to destination) error {
	file, err := results.Read(path)
	if err != nil {
		return err
	}
	s := reports.Summarize(file)
	warnProblems(cmd, s)
	page := filepath.Join(filepath.Dir(file.Path), pageName)
	if to.pages != "" {
		page = filepath.Join(to.pages, file.Run.ID+".html")
	}
	if err := errors.Join(writePage(cmd.Context(), page, s), to.writePictures(cmd.Context(), s, file.Run.ID)); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), page)
	return nil
}

func reportDir(cmd *cobra.Command, root string, dirs []string, to destination) error {
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
		if to.pages != "" {
			link = filepath.Base(dir) + ".html"
			page = filepath.Join(to.pages, link)
		}
		if err := errors.Join(writePage(cmd.Context(), page, s), to.writePictures(cmd.Context(), s, filepath.Base(dir))); err != nil {
			return err
		}
		runs, links = append(runs, s), append(links, link)
	}
	if len(runs) == 0 {
		return fmt.Errorf("no readable run under %s", root)
	}
	index := filepath.Join(cmp.Or(to.pages, root), "index.html")
	if err := writeFile(cmd.Context(), index, func(w io.Writer) error { return reports.Index(w, runs, links) }); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), index)
	return nil
}

// writePictures writes the run's pictures into a folder of its own.
func (d destination) writePictures(ctx context.Context, s *reports.Summary, run string) error {
	if d.pictures == "" {
		return nil
	}
	for _, p := range reports.Pictures(s) {
		for ending, encode := range map[string]func() ([]byte, error){".svg": p.Picture.File, ".png": p.Picture.PNG} {
			err := writeFile(ctx, filepath.Join(d.pictures, run, p.Name+ending), func(w io.Writer) error {
				text, err := encode()
				if err != nil {
					return err
				}
				_, err = w.Write(text)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func writePage(ctx context.Context, path string, s *reports.Summary) error {
	return writeFile(ctx, path, func(w io.Writer) error { return reports.HTML(w, s) })
}

// writeFile makes the folder too, and says what was being written.
func writeFile(ctx context.Context, path string, render func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	err := replaceFile(ctx, path, render)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("writing %s: %w; choose another folder with --out", path, err)
	} else if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
