// Tunelab answers questions of the form "does this change make my Go program faster, and by how much?".
//
// This package is the command line and holds no logic:
//
//  1. run hands a scenario file to package harness, which builds the variants, measures them in blocks of fresh
//     processes and writes results/runs/<run>/bench.txt.
//  2. show and report hand that file to package reports: text, Markdown, JSON, HTML.
//  3. list shows the scenario files, doctor what on this machine makes measurements noisy, lint which benchmarks measure
//     nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tunelab/harness"
)

func main() {
	if harness.WatchIfAsked() {
		return
	}
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // a build or an undeclared trial failed, or a result could not be written; of a gate, a regression; of lint, a finding
	exitUsage  = 2 // wrong use or unusable input; of a gate, nothing can be said
)

// execute runs the command line and returns the exit status.
func execute(args []string, stdout, stderr io.Writer) int {
	ctx, caught, stop := catchSignals()
	defer stop()
	root := &cobra.Command{
		Use:           "tunelab",
		Short:         "Does this change make my Go program faster, and by how much?",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(listCommand(), runCommand(), calibrateCommand(), compareCommand(), gateCommand(), historyCommand(), initCommand(),
		showCommand(), reportCommand(), doctorCommand(), lintCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if sig := caught(); sig != 0 && err != nil {
		fmt.Fprintln(stderr, "tunelab:", err)
		return 128 + int(sig)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errRed), errors.Is(err, errFound):
		fmt.Fprintln(stderr, "tunelab:", err)
		return exitFailed
	case errors.Is(err, harness.ErrFailed):
		fmt.Fprintln(stderr, "tunelab:", err)
		return exitFailed
	default:
		fmt.Fprintln(stderr, "tunelab:", err)
		fmt.Fprintf(stderr, "See %s --help.\n", cmd.CommandPath())
		return exitUsage
	}
}

// catchSignals returns a context that the first SIGINT or SIGTERM ends, and a function that tells which came.
func catchSignals() (context.Context, func() syscall.Signal, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		if sig, ok := <-signals; ok {
			cancel(signalError{sig.(syscall.Signal)})
		}
	}()
	caught := func() syscall.Signal {
		var s signalError
		if errors.As(context.Cause(ctx), &s) {
			return s.Signal
		}
		return 0
	}
	stop := func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
	return ctx, caught, stop
}

type signalError struct{ syscall.Signal }

func (s signalError) Error() string { return s.Signal.String() }
