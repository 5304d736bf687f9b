// Selfcheck counts how often tunelab is wrong on this machine: it runs a scenario whose two variants are the same
// code, and one whose variant does a tenth more work, many times each, in random order, beside a busy neighbour.
//
//	go run ./harness/selfcheck                    # 40 runs of 20 s each: up to half an hour
//	go run ./harness/selfcheck -runs 5 -budget 5s
//
// Every run draws its own seed. It prints a line a run and the counts at the end; the runs stay in -results.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"tunelab/harness"
	"tunelab/results"
	"tunelab/results/verdict"
	"tunelab/scenarios"
)

const neighbourVar = "TUNELAB_NEIGHBOUR"

func main() {
	if harness.WatchIfAsked() {
		return
	}
	if os.Getenv(neighbourVar) != "" {
		neighbour()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "selfcheck:", err)
		os.Exit(1)
	}
}

// neighbour keeps one CPU and some cache busy until the process that started it is gone.
func neighbour() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	memory := make([]uint64, 1<<20)
	for i := uint64(1); ; i = i*6364136223846793005 + 1442695040888963407 {
		memory[i>>44]++
	}
}

func startNeighbour() (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("starting the neighbour: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), neighbourVar+"=1")
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting the neighbour: %w", err)
	}
	return func() {
		pipe.Close()
		cmd.Wait()
	}, nil
}

// tally counts verdicts of one scenario.
type tally struct {
	scenario *scenarios.Scenario
	verdicts map[verdict.Verdict]int
	blocks   int
	took     time.Duration
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("selfcheck", flag.ContinueOnError)
	runs := flags.Int("runs", 40, "runs of each scenario")
	budget := flags.Duration("budget", 20*time.Second, "of each run")
	root := flags.String("results", filepath.Join("results", "runs", "selfcheck"), "where the runs go")
	alone := flags.Bool("alone", false, "without a busy neighbour")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var tallies []*tally
	for _, name := range []string{"same", "slower"} {
		sc, err := scenarios.Read(filepath.Join("benchmarks", "selfcheck", name+".toml"))
		if err != nil {
			return fmt.Errorf("%w (run this in the root of a checkout)", err)
		}
		tallies = append(tallies, &tally{scenario: sc, verdicts: map[verdict.Verdict]int{}})
	}
	if !*alone {
		stop, err := startNeighbour()
		if err != nil {
			return err
		}
		defer stop()
	}
	for i := 1; i <= *runs; i++ {
		for _, at := range rand.Perm(len(tallies)) {
			if err := tallies[at].once(ctx, i, *budget, *root, out); err != nil {
				return err
			}
		}
	}
	for _, t := range tallies {
		t.print(out, *runs)
	}
	return nil
}

func (t *tally) once(ctx context.Context, i int, budget time.Duration, root string, out io.Writer) error {
	began := time.Now()
	got, err := harness.Run(ctx, t.scenario, harness.Options{Results: root, Budget: budget, Command: os.Args})
	if err != nil {
		return err
	}
	file, err := results.Read(got.Dir)
	if err != nil {
		return err
	}
	c := file.Compare()[0]
	t.verdicts[c.Verdict]++
	t.blocks += c.Blocks
	t.took += time.Since(began)
	interval := ""
	if c.Lo != nil {
		interval = fmt.Sprintf("%+.1f%% [%+.1f%%, %+.1f%%]", 100*(*c.Ratio-1), 100*(*c.Lo-1), 100*(*c.Hi-1))
	}
	_, err = fmt.Fprintf(out, "%2d %-7s %-9s %s after %d blocks, %.1f s, seed %d\n",
		i, t.scenario.Name, c.Verdict, interval, c.Blocks, float64(file.Done.ElapsedMS)/1000, file.Run.Plan.Seed)
	return err
}

func (t *tally) print(out io.Writer, runs int) {
	changed := t.verdicts[verdict.Better] + t.verdicts[verdict.Worse]
	lo, hi := verdict.ClopperPearson(changed, runs, 0.95)
	fmt.Fprintf(out, "%s: better or worse in %d of %d runs (%.0f %%, 95 %% interval %.0f to %.0f %%): %d better, %d worse, %d same, %d undecided; %.0f blocks and %.1f s a run\n",
		t.scenario.Name, changed, runs, 100*float64(changed)/float64(runs), 100*lo, 100*hi,
		t.verdicts[verdict.Better], t.verdicts[verdict.Worse], t.verdicts[verdict.Same], t.verdicts[verdict.Undecided],
		float64(t.blocks)/float64(runs), t.took.Seconds()/float64(runs))
}
