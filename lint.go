package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tunelab/harness/lint"
)

// errFound is the error of lint where it found something.
var errFound = errors.New("found by lint")

func lintCommand() *cobra.Command {
	var flags []string
	cmd := &cobra.Command{
		Use:   "lint [PACKAGES]",
		Short: "Benchmarks that measure nothing, or something else than they say",
		Long: `Lint names, with file and line, benchmarks that do not loop b.N times, take b.N as a size, assign to it, stop or reset
the timer in every iteration, or whose loop the compiler emptied, and says what to do about it. It looks at the test files
of the packages (./... if none is named) as they would be built here, and at the machine code of their loops.

The exit status is 0 when nothing was found, 1 when something was, and 2 when a package could not be looked at.`,
		Example: "  tunelab lint\n  tunelab lint ./codec/... --build -tags=large",
		RunE: func(cmd *cobra.Command, args []string) error {
			return lintPackages(cmd, args, flags)
		},
	}
	cmd.Flags().StringArrayVar(&flags, "build", nil, "a flag for go build, such as -tags=large (may be repeated)")
	return cmd
}

func lintPackages(cmd *cobra.Command, patterns, flags []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("looking at benchmarks: %w", err)
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	found, err := lint.Packages(cmd.Context(), lint.Target{Dir: dir, Patterns: patterns, Flags: flags})
	for _, f := range found {
		fmt.Fprintln(cmd.OutOrStdout(), f.Relative(dir))
	}
	if err != nil {
		return err
	}
	if n := len(found); n > 0 {
		return fmt.Errorf("%d %w", n, errFound)
	}
	return nil
}
