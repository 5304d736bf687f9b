// Bars measures what package changepoint is worth on a history of nights, beside other methods and against the bars that
// it was built for.
//
//	go run ./results/changepoint/bars NIGHTS.csv
//	go run ./results/changepoint/bars -json NIGHTS.csv
//	go run ./results/changepoint/bars -level running -repeats 5 NIGHTS.csv
//
// The file has the columns benchmark and unit and one for each night, empty where a night has no value. Of its rows in
// ns/op, those with at least 100 nights:
//
//  1. The night's median over all benchmarks is subtracted from the logarithms, and each benchmark's level. What the
//     level was is said by a method that shares nothing with those that are judged: the segments about whose medians the
//     absolute deviations are least, or, with -level running, a median of 21 nights. The second leaves more in that is
//     not noise, and is harder.
//  2. The residuals are drawn anew, one by one ("shuffled") or in blocks of ten nights, which keeps what lasts for several
//     nights together. What a method reports of such a series is a false alarm. They are counted per 1,000 nights.
//  3. A step of 5 or of 10 %, up or down, is put in at a random place, at least ten nights from both ends. It is found
//     when a change is reported within three nights of it. F1 is of the series with 5 %, and the beginning of the series
//     counts as a change that everybody finds, so that a method that never reports one has 0.667.
//
// The benchmarks are in two halves by a hash of their names. The method was tuned on one; the bars are held against the
// other. The line "told all but the place" is no method: it shows about how much there is to find.
//
// Of the rows in allocs/op, every step between two values that each lasted for seven nights is to be found, and nothing
// else. Last, the processor time is taken that a thousand series of a thousand nights need.
//
// The same file, seed and repeats give the same table but for the seconds. Exit status: 0 done, whether the bars hold or
// not; 2 wrong use or a file that can't be used.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bars:", err)
		}
		os.Exit(2)
	}
}

// A report is all that was measured.
type report struct {
	File    string  `json:"file"`
	Level   string  `json:"level"`
	Seed    uint64  `json:"seed"`
	Repeats int     `json:"repeats"`
	Scores  []score `json:"scores"`
	Counts  tally   `json:"counts"`
	Speed   speed   `json:"speed"`
	Bars    []bar   `json:"bars"`
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bars", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print JSON")
	repeats := flags.Int("repeats", 20, "draws of each benchmark's residuals")
	seed := flags.Uint64("seed", 1, "of all that is drawn")
	level := flags.String("level", levellers[0].name, "what is taken for the level: segments or running")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *repeats < 1 {
		return errors.New("name one file of nights, and at least one repeat: bars [-json] [-repeats 20] NIGHTS.csv")
	}
	r := report{File: flags.Arg(0), Level: *level, Seed: *seed, Repeats: *repeats}
	err := r.measure()
	if err != nil {
		return err
	}
	if r.Speed, err = takeTime(*seed); err != nil {
		return err
	}
	r.Bars = bars(r)
	if *asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	return r.print(stdout)
}

// measure fills in all that is always the same for the same file, seed and repeats.
func (r *report) measure() error {
	all, err := readHistory(r.File)
	if err != nil {
		return err
	}
	if r.Scores, err = scores(all, r.Level, r.Repeats, r.Seed); err != nil {
		return fmt.Errorf("%s: %w", r.File, err)
	}
	r.Counts = countSteps(inUnit(all, "allocs/op"))
	return nil
}

// scores are those of all methods with both kinds of noise on both halves.
func scores(all []series, level string, repeats int, seed uint64) ([]score, error) {
	for _, l := range levellers {
		if l.name != level {
			continue
		}
		times := inUnit(all, "ns/op")
		rest := residuals(times, l.level)
		var out []score
		for _, h := range []half{tuning, judging} {
			var mine [][]float64
			for i, s := range times {
				if rest[i] != nil && s.half() == h {
					mine = append(mine, rest[i])
				}
			}
			if len(mine) == 0 {
				return nil, fmt.Errorf("no benchmark of the half for %s has %d nights in ns/op", h, fewest)
			}
			for _, how := range draws {
				for _, s := range compare(mine, how, methods, repeats, seed) {
					s.Half, s.Series = h.String(), len(mine)
					out = append(out, s)
				}
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("finding the levels: there is no -level %s; it is segments or running", level)
}
