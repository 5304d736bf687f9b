package main

import (
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tunelab/harness/display"
)

// showProgress tells the command's progress on stderr until it is closed.
func showProgress(cmd *cobra.Command) *display.Display {
	w := cmd.ErrOrStderr()
	return display.New(w, isTerminal(w), width(w))
}

// asTyped is the command line for the record.
func asTyped() []string { return append([]string{"tunelab"}, os.Args[1:]...) }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width returns the columns of the terminal, $COLUMNS where there is none, else 100.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 40 {
		return n
	}
	return 100
}
