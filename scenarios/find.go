package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Dir is where scenarios are looked up by name, relative to the working directory.
const Dir = "scenarios"

// Find returns the file of a scenario: the argument itself when it has a slash or ends in .toml, else
// scenarios/<argument>.toml.
func Find(arg string) (string, error) {
	if strings.HasSuffix(arg, ".toml") || strings.ContainsRune(arg, filepath.Separator) {
		return arg, nil
	}
	path := filepath.Join(Dir, arg+".toml")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	files, _ := filepath.Glob(filepath.Join(Dir, "*.toml")) // the pattern is well formed
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".toml"))
	}
	if len(names) == 0 {
		return "", fmt.Errorf("no scenario %q: there is no folder ./%s here; run this in a checkout of tunelab, or name a file ending in .toml", arg, Dir)
	}
	return "", fmt.Errorf("no scenario %q in ./%s; there are: %s", arg, Dir, strings.Join(names, ", "))
}
