package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// opened measures how soon the page of the large run can be used.
func (f files) opened(table io.Writer) error {
	browser := browserPath()
	if browser == "" {
		fmt.Fprintln(table, "the same: interactive in a browser\tnot measured: no Chromium is installed\t\tunder 2 s\t")
		return nil
	}
	list, err := openings(browser, filepath.Join(f.run, "page.html"))
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		of   func(opening) float64
		bar  string
	}{
		{"read", func(o opening) float64 { return o.Read / 1000 }, ""},
		{"scripts have run", func(o opening) float64 { return o.Ran / 1000 }, ""},
		{"loaded, and a click on a table's head answered and painted", opening.seconds, "under 2"},
	} {
		fmt.Fprintf(table, "the same in headless Chromium, %s: s\t%.2f\t\t%s\t\n", part.name, middle(list, part.of), part.bar)
	}
	fmt.Fprintf(table, "the rows that were sorted\t%d\t\t\t\n", list[0].Rows)
	return nil
}

// kept measures the pages of the runs that are kept with tunelab, the full forms of its scenarios.
func (f files) kept(table io.Writer) error {
	runs, err := filepath.Glob("results/baseline/*/bench.txt")
	if err != nil || len(runs) == 0 {
		return fmt.Errorf("no runs under results/baseline: run this in the root of a checkout (%v)", err)
	}
	pages := filepath.Join(f.scratch, "pages")
	if _, err := measured("", f.tunelab, "report", "results/baseline", "--out", pages); err != nil {
		return err
	}
	largest, name := int64(0), ""
	for _, run := range runs {
		page := filepath.Join(pages, filepath.Base(filepath.Dir(run))+".html")
		info, err := os.Stat(page)
		if err != nil {
			return fmt.Errorf("measuring the page of %s: %w", run, err)
		}
		if info.Size() > largest {
			largest, name = info.Size(), filepath.Base(filepath.Dir(run))
		}
	}
	fmt.Fprintf(table, "the largest page of %d kept runs, %s: MB\t%.2f\t\tunder 1.5\t\n", len(runs), name, float64(largest)/1e6)
	return nil
}
