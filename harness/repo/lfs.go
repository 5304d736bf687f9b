package repo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// isLFS reports whether a setting of a filter runs git-lfs.
func isLFS(name, value string) bool {
	key := name[strings.LastIndexByte(name, '.')+1:]
	return (key == "smudge" || key == "process" || key == "clean") && (strings.HasPrefix(value, "git-lfs ") || strings.HasPrefix(value, "git lfs "))
}

// pointer matches what git has in the place of a file that git-lfs keeps; see
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
var pointer = regexp.MustCompile(`\Aversion https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ .*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n`)

// mostPointer is how large a pointer may be, in bytes.
const mostPointer = 1024

// resolvePointers replaces pointers of git-lfs by what they point to, from the source's store or its work tree. Git-lfs
// itself would do so too, where it is installed, and fetch what is not there.
func (t *Tree) resolvePointers(ctx context.Context, s source, dir string) error {
	list, err := lfsFiles(ctx, dir)
	if err != nil || len(list) == 0 {
		return err
	}
	store := s.lfsStore(ctx)
	var changed []string
	for _, name := range list {
		file := filepath.Join(dir, filepath.FromSlash(name))
		info, err := os.Lstat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() > mostPointer {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		m := pointer.FindStringSubmatch(string(text))
		if m == nil {
			continue // it is there itself
		}
		size, _ := strconv.ParseInt(m[2], 10, 64)
		at := holding([]string{filepath.Join(store, m[1][:2], m[1][2:4], m[1]), filepath.Join(s.work, filepath.FromSlash(name))}, m[1], size)
		if at == "" {
			t.Lacks = append(t.Lacks, Lack{t.named(dir, name), fmt.Sprintf("git-lfs keeps it, and this clone has not fetched it: git lfs fetch origin %.12s", t.hash)})
			continue
		}
		if err := copyFile(at, file); err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
		changed = append(changed, name)
	}
	if len(changed) == 0 {
		return nil
	}
	_, err = command{dir: dir, stdin: strings.Join(changed, "\x00")}.run(ctx, "update-index", "--assume-unchanged", "-z", "--stdin")
	return err
}

// lfsFiles are the files in a checkout that attributes give to a filter of git-lfs.
func lfsFiles(ctx context.Context, dir string) ([]string, error) {
	names, err := gitIn(ctx, dir, "ls-files", "-z")
	if err != nil || names == "" {
		return nil, err
	}
	out, err := command{dir: dir, stdin: names}.run(ctx, "check-attr", "-z", "--stdin", "filter")
	if err != nil {
		return nil, fmt.Errorf("looking for files of git-lfs: %w", err)
	}
	drivers := map[string]bool{"lfs": true}
	if text, err := gitIn(ctx, dir, "config", "-z", "--get-regexp", `^filter\..*\.required$`); err == nil {
		for _, entry := range fields(text) { // copySettings has left no other filter without commands
			name, _, _ := strings.Cut(entry, "\n")
			driver := strings.TrimSuffix(strings.TrimPrefix(name, "filter."), ".required")
			if smudge, err := gitIn(ctx, dir, "config", "--get", "filter."+driver+".smudge"); err == nil && smudge == "" {
				drivers[driver] = true
			}
		}
	}
	var list []string
	for parts := strings.Split(out, "\x00"); len(parts) >= 3; parts = parts[3:] {
		if drivers[parts[2]] {
			list = append(list, parts[0])
		}
	}
	return list, nil
}

// lfsStore is the folder in which git-lfs keeps objects.
func (s source) lfsStore(ctx context.Context) string {
	store, err := s.run(ctx, "config", "--type=path", "--get", "lfs.storage")
	if err != nil || store == "" {
		store = "lfs"
	}
	if !filepath.IsAbs(store) {
		store = filepath.Join(s.common, store)
	}
	return filepath.Join(store, "objects")
}

// holding returns the first of the files that has these contents, "" when none has.
func holding(files []string, sum string, size int64) string {
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Size() != size {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		hash := sha256.New()
		_, err = io.Copy(hash, f)
		f.Close()
		if err == nil && hex.EncodeToString(hash.Sum(nil)) == sum {
			return file
		}
	}
	return ""
}

// named is a file of a checkout of the repository, or of a submodule in it, relative to the repository's root.
func (t *Tree) named(dir, name string) string {
	rel, err := filepath.Rel(t.Top, dir)
	if err != nil {
		return name
	}
	return path.Join(filepath.ToSlash(rel), name)
}

// copyFile copies a file's contents, and whether it can be executed.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
