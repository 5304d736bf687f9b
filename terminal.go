package main

import (
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tunelab/harness/display"
)

// showProgress tells the progress of measuring on stderr until it is closed. From there on the command ends by itself when
// its context does.
func showProgress(cmd *cobra.Command) *display.Display {
	measures(cmd.Context())
	w := cmd.ErrOrStderr()
	return display.New(w, isTerminal(w), width(w))
}

// asTyped is the command line for the record.
func asTyped() []string { return append([]string{"tunelab"}, os.Args[1:]...) }

// A descriptor is a stream that may be a terminal.
type descriptor interface{ Fd() uintptr }

func isTerminal(w io.Writer) bool {
	f, ok := w.(descriptor)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width returns the columns of the terminal, $COLUMNS where there is none, else 100.
func width(w io.Writer) int {
	if f, ok := w.(descriptor); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 40 {
		return n
	}
	return 100
}
