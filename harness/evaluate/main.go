// Evaluate finds out how often tunelab's verdicts are wrong, what they find and in how much machine time, beside the usual
// ways to measure, on four workloads and on benchmarks of public modules, beside a noisy neighbour of three strengths.
//
//	go run ./harness/evaluate                   # one part: half an hour; any number of parts may follow
//	go run ./harness/evaluate -time 4h          # more at a time
//	go run ./harness/evaluate -time 0           # only what the traces so far say: the tables and the pages
//	go run ./harness/evaluate -nights 500       # so many nights of a gate over 20 benchmarks, made of the traces
//	go run ./harness/evaluate -gate 20 -budget 10m  # so many real nights of a gate over 20 benchmarks, in half of them one slower
//	go run ./harness/evaluate -kept             # what the real nights so far say
//
// The traces are in -data, and the pages beside them. Nothing else should run on the machine meanwhile.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"tunelab/harness"
	"tunelab/harness/calibrate"
	"tunelab/results"
	"tunelab/results/calibration"
)

func main() {
	if harness.WatchIfAsked() || calibrate.NeighbourIfAsked() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "evaluate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := flags.String("data", filepath.Join("results", "baseline", "evaluation"), "where the traces are kept")
	work := flags.String("work", filepath.Join(os.TempDir(), "tunelab-evaluation"), "where public modules are copied to")
	length := flags.Duration("time", 30*time.Minute, "how long this part may take")
	nights := flags.Int("nights", 0, "play a gate through so many nights made of the traces, and do nothing else")
	gates := flags.Int("gate", 0, "measure so many real nights of a gate, and do nothing else")
	budget := flags.Duration("budget", 10*time.Minute, "with -gate: of each night, builds not counted")
	kept := flags.Bool("kept", false, "tell what the real nights so far say, and do nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *gates > 0 {
		return gateNights(ctx, stdout, *data, *gates, *budget)
	}
	if *kept {
		return tellKept(stdout, *data)
	}
	if *nights > 0 {
		return playNights(stdout, *data, *nights)
	}
	say := func(text string) { fmt.Fprintf(stderr, "%s %s\n", time.Now().Format(time.TimeOnly), text) }
	if *length > 0 {
		err := calibrate.Evaluate(ctx, calibrate.EvaluateOptions{Data: *data, Work: *work, Time: *length, Say: say})
		if err != nil {
			return err
		}
	}
	return summarize(stdout, *data)
}

// summarize works out what the traces say, a calibration for each level, and keeps it beside them.
func summarize(out io.Writer, data string) error {
	all, err := calibrate.Load(data)
	if err != nil {
		return err
	}
	at := map[float64]*calibration.Calibration{}
	for _, level := range calibrate.Levels {
		recorded, names := calibrate.Recorded(all, level)
		c := &calibration.Calibration{Made: time.Now().UTC().Truncate(time.Second), Command: []string{"go", "run", "./harness/evaluate"}}
		for _, name := range names {
			b, err := recorded[name].Judge(name, 1)
			if err != nil {
				return err
			}
			c.Benchmarks = append(c.Benchmarks, b)
		}
		if len(names) == 0 {
			continue
		}
		c.Host, c.Protocol = all[len(all)-1].Host, results.Protocol
		at[level] = c
		dir := filepath.Join(data, fmt.Sprintf("neighbour-%.0f", 100*level))
		if err := c.Write(dir); err != nil {
			return err
		}
	}
	var table bytes.Buffer
	if err := bars(&table, calibrate.Levels, at); err != nil {
		return err
	}
	if _, err := out.Write(table.Bytes()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, "rates.md"), table.Bytes(), 0o666)
}
