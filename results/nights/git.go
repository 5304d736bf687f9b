package nights

import (
	"os"
	"slices"
	"strings"
)

// GitSettings are what stands before the name of any git command that tunelab runs: whatever the user or the repository has
// set, git runs no hook, no monitor of the file system, no pager and no other program that shows or signs, and asks nobody.
// What a repository needs to have its files at all (filters such as those of LFS) stays as it is. Commands that print
// differences take --no-ext-diff and --no-textconv besides: there is no setting for that.
func GitSettings() []string {
	settings := []string{"--no-pager"}
	for _, s := range []string{
		"core.hooksPath=/dev/null", // update-ref has a hook, too
		"core.fsmonitor=",          // may name a program
		"core.pager=cat",
		"commit.gpgSign=false",
		"tag.gpgSign=false",
		"log.showSignature=false", // runs gpg
		"init.templateDir=",       // may hold hooks
		"gc.auto=0",
		"maintenance.auto=false",
	} {
		settings = append(settings, "-c", s)
	}
	return settings
}

// GitEnvironment is this process's environment for a git command that shall find its repository by its folder: without what
// git tells its hooks, which would send the command to another, without programs that git would run for its output, and so
// that it locks nothing only to read, and asks nobody.
func GitEnvironment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX",
			"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_CONFIG_PARAMETERS",
			"GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_TEMPLATE_DIR":
			return true
		}
		return false
	})
	// With an empty GIT_ASKPASS none is run. Status would refresh the user's index where it may take its lock.
	return append(env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0")
}
