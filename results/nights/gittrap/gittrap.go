// Package gittrap is for tests: it has a repository run a program wherever git would run one for its user.
package gittrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Set makes the repository run a program for whatever git runs programs for, and returns a function that tells which ran.
func Set(t *testing.T, dir string) (ran func() string) {
	t.Helper()
	traps := t.TempDir()
	marks, trap := filepath.Join(traps, "marks"), filepath.Join(traps, "trap")
	script := "#!/bin/sh\necho \"$(basename \"$0\") $*\" >> '" + marks + "'\n"
	hooks := filepath.Join(traps, "hooks")
	for _, folder := range []string{hooks, filepath.Join(dir, ".git", "hooks"), filepath.Join(traps, "template", "hooks")} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, hook := range strings.Fields(`applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit
			prepare-commit-msg commit-msg post-commit pre-rebase post-checkout post-merge pre-push pre-receive update
			proc-receive post-receive post-update reference-transaction push-to-checkout pre-auto-gc post-rewrite
			sendemail-validate fsmonitor-watchman post-index-change`) {
			if err := os.WriteFile(filepath.Join(folder, hook), []byte(script), 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(trap, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	global := filepath.Join(traps, "config")
	for _, where := range [][]string{{"--file", global}, {"--file", filepath.Join(dir, ".git", "config")}} {
		for key, value := range map[string]string{
			"core.hooksPath": hooks, "core.fsmonitor": trap, "core.pager": trap, "core.editor": trap, "core.askPass": trap,
			"commit.gpgSign": "true", "tag.gpgSign": "true", "gpg.program": trap, "log.showSignature": "true",
			"diff.external": trap, "diff.trap.command": trap, "diff.trap.textconv": trap, "pager.show": trap, "pager.diff": trap,
			"init.templateDir": filepath.Join(traps, "template"), "init.defaultBranch": "main",
		} {
			if out, err := exec.Command("git", append(append([]string{"config"}, where...), key, value)...).CombinedOutput(); err != nil {
				t.Fatalf("git config %s: %v: %s", key, err, out)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".git", "info", "attributes"), []byte("* diff=trap\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", global)
	t.Setenv("GIT_EXTERNAL_DIFF", trap)
	t.Setenv("GIT_PAGER", trap)
	t.Setenv("GIT_TEMPLATE_DIR", filepath.Join(traps, "template"))
	return func() string {
		text, _ := os.ReadFile(marks)
		return string(text)
	}
}
