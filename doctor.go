package main

import (
	"github.com/spf13/cobra"

	"tunelab/harness/machine"
)

func doctorCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "What on this machine makes measurements noisy",
		Long:  "Doctor looks at what makes measurements on this machine noisy: what it found, what that does, and what to do about it.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return machine.Print(cmd.OutOrStdout(), machine.System{Dir: dir}, width(cmd.OutOrStdout()))
		},
	}
	resultsFlag(cmd, &dir)
	return cmd
}
