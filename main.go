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
	"errors"
	"fmt"
	"io"
	"os"

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
	exitFailed = 1 // a build or an undeclared trial failed, or a result could not be written or printed; of a gate, a regression; of lint, a finding
	exitUsage  = 2 // wrong use or unusable input; of a gate, nothing can be said, or what it says could not be printed
)

// execute runs the command line and returns the exit status.
func execute(args []string, stdout, stderr io.Writer) int {
	ctx, interrupted := catchSignals(stderr)
	defer interrupted.stop()
	out, problems := &output{name: "standard output", w: stdout}, &output{name: "standard error", w: stderr}
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
	root.SetOut(out)
	root.SetErr(problems)
	cmd, err := root.ExecuteContextC(ctx)
	sig := interrupted.signal()
	if err == nil { // a command that came to its end in spite of a signal was not interrupted
		sig, err = 0, errors.Join(out.lost(), problems.lost())
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "tunelab:", err)
	if sig != 0 {
		return 128 + int(sig)
	}
	var lost *lostError
	switch {
	case errors.Is(err, errRed), errors.Is(err, errFound), errors.Is(err, harness.ErrFailed):
		return exitFailed
	case errors.As(err, &lost) && cmd.Name() == gateName: // 1 is for regressions
		return exitUsage
	case errors.As(err, &lost):
		return exitFailed
	}
	fmt.Fprintf(stderr, "See %s --help.\n", cmd.CommandPath())
	return exitUsage
}
