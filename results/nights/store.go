package nights

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Store keeps nights, each in a file of its own that is there whole or not at all. Any number of jobs may add to one at
// the same time; nothing that is there is ever changed.
type Store interface {
	Source
	// Add keeps a night, and returns its name as [File] has it.
	Add(n *Night) (name string, err error)
	// AddConfirmation keeps what measuring a change anew came to.
	AddConfirmation(c Confirmation) error
}

// Open returns the store that a user's text means: "git:BRANCH" is a branch of the repository that contains dir, any other
// text is the path of a folder. Neither has to exist: it is made when something is added.
func Open(spec, dir string) (Store, error) {
	if branch, ok := strings.CutPrefix(spec, "git:"); ok {
		b, err := openBranch(branch, dir)
		if err != nil {
			return nil, fmt.Errorf("opening the history %s: %w", spec, err)
		}
		return b, nil
	}
	if spec == "" {
		return nil, errors.New("opening the history: it has no name; give a folder, or git:BRANCH")
	}
	if info, err := os.Stat(spec); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("opening the history: %s is a file; give a folder, or git:BRANCH", spec)
	}
	return folder(filepath.Clean(spec)), nil
}

// nightName is a name that sorts by time and that no two writers choose.
func nightName(n *Night) string {
	return strings.Join([]string{n.Started.UTC().Format("20060102-150405"), short(n.Commit), random()}, "-") + ".txt"
}

func confirmationName(c Confirmation) string {
	return strings.Join([]string{"confirmed", c.Made.UTC().Format("20060102-150405"), short(c.After), random()}, "-") + ".json"
}

// short is 12 characters of a commit that do no harm in a file's name.
func short(commit string) string {
	kept := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, commit)
	return kept[:min(len(kept), 12)]
}

func random() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func encodeConfirmation(c Confirmation) ([]byte, error) {
	if c.Made.IsZero() || c.From == "" || c.To == "" {
		return nil, errors.New("encoding a confirmation: it has no time or no commits")
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding a confirmation: %w", err)
	}
	return append(text, '\n'), nil
}

// A folder is a store by its path.
type folder string

func (f folder) Add(n *Night) (string, error) {
	text, err := encode(n)
	if err != nil {
		return "", fmt.Errorf("keeping the night of %s: %w", n.Started.Format(time.RFC3339), err)
	}
	return f.write(nightName(n), text)
}

func (f folder) AddConfirmation(c Confirmation) error {
	text, err := encodeConfirmation(c)
	if err == nil {
		_, err = f.write(confirmationName(c), text)
	}
	return err
}

// write makes a file that is whole on disk before it has its name.
func (f folder) write(name string, text []byte) (path string, err error) {
	path = filepath.Join(string(f), name)
	if err := os.MkdirAll(string(f), 0o777); err != nil {
		return "", fmt.Errorf("keeping %s: %w; choose another folder with --history", path, err)
	}
	part := filepath.Join(string(f), "."+name+".tmp")
	if err := writeSynced(part, text); err != nil {
		os.Remove(part)
		return "", fmt.Errorf("keeping %s: %w", path, err)
	}
	defer os.Remove(part)
	// A link, unlike renaming, never replaces a file. Not every file system has links.
	if err := os.Link(part, path); err != nil {
		if _, there := os.Lstat(path); there == nil {
			return "", fmt.Errorf("keeping %s: %w", path, fs.ErrExist)
		}
		if err := os.Rename(part, path); err != nil {
			return "", fmt.Errorf("keeping %s: %w", path, err)
		}
	}
	syncFolder(string(f))
	return path, nil
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncFolder makes names last. Some systems can't sync a folder, and there is nothing to be done about it.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		d.Sync()
		d.Close()
	}
}

func (f folder) Files(use func(File)) error {
	root := os.DirFS(string(f))
	return fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		path := filepath.Join(string(f), filepath.FromSlash(name))
		switch {
		case name == "." && errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("folder %s: %w", f, ErrNone)
		case name == "." && err != nil:
			return fmt.Errorf("folder %s: %w", f, err)
		case err != nil:
			use(File{Name: path, Err: err})
			return nil
		case d.IsDir():
			if name != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if wanted(name) {
			data, err := readRegular(path)
			use(File{path, data, err})
		}
		return nil
	})
}

// readRegular reads a file, and no pipe, which would make it wait.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not an ordinary file")
	case info.Size() > maxFile:
		return nil, errTooLarge
	}
	return os.ReadFile(path)
}
