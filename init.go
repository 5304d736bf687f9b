package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tunelab/harness/gate"
)

func initCommand() *cobra.Command {
	var dir, baseline string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write tunelab.toml, the settings of the nightly gate",
		Long: `Init writes a commented tunelab.toml beside the go.mod of a module in a git repository. The baseline is the newest tag, or
HEAD where there is none. A file that is there already is left alone.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "the module's folder")
	cmd.Flags().StringVar(&baseline, "baseline", "", "the revision that tips are compared with (default: the newest tag, or HEAD)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path := filepath.Join(dir, gate.ConfigFile)
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%s is there already; edit it, or remove it first", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("looking for %s: %w", path, err)
		}
		found, err := gate.Survey(cmd.Context(), dir, baseline)
		if err != nil {
			return err
		}
		text := gate.Template(found.Baseline, []string{"./..."})
		err = replaceFile(cmd.Context(), path, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
		if err != nil {
			return fmt.Errorf("writing the gate's settings: %w", err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %v.\nNext: commit it, then tunelab gate --budget 2m\n", path, found)
		return nil
	}
	return cmd
}
