package nights

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A branch is a store in a git repository. It goes by plumbing alone: no checkout, no index, no hooks, and HEAD stays where
// it is.
type branch struct {
	dir  string // a folder in the repository
	name string
	ref  string // refs/heads/NAME
}

// remote is where the branch is looked for when the repository does not have it itself.
func (b *branch) remote() string { return "refs/remotes/origin/" + b.name }

func openBranch(name, dir string) (*branch, error) {
	b := &branch{dir: dir, name: name, ref: "refs/heads/" + name}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, fmt.Errorf("%w; install git, or give a folder", err)
	}
	if _, err := b.git(nil, "rev-parse", "--git-dir"); err != nil {
		return nil, fmt.Errorf("%w; give a folder, or a branch of a repository that contains %s", err, dir)
	}
	if _, err := b.git(nil, "check-ref-format", b.ref); err != nil || name == "" {
		return nil, fmt.Errorf("%q is no name for a branch", name)
	}
	return b, nil
}

// command returns a git command for the repository that contains the folder, whatever a hook's environment says.
func (b *branch) command(args ...string) *exec.Cmd {
	// Objects reach the disk before the branch names them.
	args = append([]string{"-c", "core.fsync=all", "-C", b.dir}, args...)
	cmd := exec.Command("git", append(GitSettings(), args...)...)
	cmd.Env = GitEnvironment()
	return cmd
}

// git runs a command and returns what it printed, without the last newline.
func (b *branch) git(input []byte, args ...string) (string, error) {
	return b.gitAs(nil, input, args...)
}

func (b *branch) gitAs(env []string, input []byte, args ...string) (string, error) {
	cmd := b.command(args...)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdin = bytes.NewReader(input)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(said.String()); text != "" {
			err = errors.New(text)
		}
		return "", fmt.Errorf("git %s in %s: %w", args[0], b.dir, err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// commit returns the commit that a ref names, "" when there is none.
func (b *branch) commit(ref string) string {
	hash, _ := b.git(nil, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	return hash
}

// tips returns the commit of the branch itself, "" when there is none, and those to go on from: that of origin's branch too
// where it has nights that the own one lacks, because another machine pushed them.
func (b *branch) tips() (own string, from []string) {
	own, theirs := b.commit(b.ref), b.commit(b.remote())
	within := func(old, young string) bool {
		_, err := b.git(nil, "merge-base", "--is-ancestor", old, young)
		return err == nil
	}
	switch {
	case own == "" && theirs == "":
		return "", nil
	case own == "" || theirs != "" && within(own, theirs):
		return own, []string{theirs}
	case theirs == "" || within(theirs, own):
		return own, []string{own}
	}
	return own, []string{own, theirs}
}

func (b *branch) Add(n *Night) (string, error) {
	text, err := encode(n)
	if err != nil {
		return "", fmt.Errorf("keeping the night of %s: %w", n.Started.Format(time.RFC3339), err)
	}
	return b.write(nightName(n), text, "Night of "+n.Started.UTC().Format(time.RFC3339)+" at "+short(n.Commit))
}

func (b *branch) AddConfirmation(c Confirmation) error {
	text, err := encodeConfirmation(c)
	if err == nil {
		_, err = b.write(confirmationName(c), text, "Confirmation of "+short(c.From)+" to "+short(c.To))
	}
	return err
}

// tries is how often somebody else may be first before adding gives up; whenever it happens, another night was kept.
// stuckTries is how often in a row git may refuse although the branch has not moved: another git holds its lock, for which
// git itself waits for 0.1 s each time, or it may not be written at all.
const (
	tries      = 500
	stuckTries = 10
)

// write adds a file by a commit on top of the branch, and begins anew when the branch has moved meanwhile.
func (b *branch) write(name string, text []byte, message string) (string, error) {
	file := b.name + ":" + name
	failed := func(err error) (string, error) { return "", fmt.Errorf("keeping %s: %w", file, err) }
	if err := b.refuseCheckedOut(); err != nil {
		return failed(err)
	}
	blob, err := b.git(text, "hash-object", "-w", "--stdin")
	if err != nil {
		return failed(err)
	}
	env := b.identity()
	stuck := 0
	for range tries {
		own, from := b.tips()
		commit, err := b.commitWith(env, from, name, blob, message)
		if err != nil {
			return failed(err)
		}
		// Where there was none, none may be there still.
		old := own
		if old == "" {
			old = strings.Repeat("0", len(commit))
		}
		_, err = b.git(nil, "update-ref", "-m", "tunelab: "+message, b.ref, commit, old)
		if err == nil {
			return file, nil
		}
		if stuck++; b.commit(b.ref) != own {
			stuck = 0
		}
		if stuck == stuckTries {
			return failed(err)
		}
		time.Sleep(time.Duration(1+rand.IntN(20)) * time.Millisecond)
	}
	return failed(fmt.Errorf("the branch has moved %d times meanwhile; try again", tries))
}

// commitWith makes a commit that has the files of its parents, if any, and one more.
func (b *branch) commitWith(env, parents []string, name, blob, message string) (string, error) {
	args := []string{"commit-tree"}
	var listing strings.Builder
	have := map[string]bool{}
	for _, parent := range parents {
		args = append(args, "-p", parent)
		text, err := b.git(nil, "ls-tree", "-z", "--full-tree", parent)
		if err != nil {
			return "", err
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\x00"), "\x00") {
			if _, there, ok := strings.Cut(line, "\t"); ok && !have[there] {
				have[there] = true
				listing.WriteString(line + "\x00")
			}
		}
	}
	fmt.Fprintf(&listing, "100644 blob %s\t%s\x00", blob, name)
	tree, err := b.git([]byte(listing.String()), "mktree", "-z", "--missing")
	if err != nil {
		return "", err
	}
	return b.gitAs(env, []byte(message+"\n"), append(args, tree)...)
}

// identity returns the environment that names somebody where the user has not said who commits.
func (b *branch) identity() []string {
	var env []string
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		if _, err := b.git(nil, "-c", "user.useConfigOnly=true", "var", "GIT_"+role+"_IDENT"); err != nil {
			env = append(env, "GIT_"+role+"_NAME=tunelab", "GIT_"+role+"_EMAIL=tunelab@localhost")
		}
	}
	return env
}

// refuseCheckedOut returns an error when somebody works on the branch: its files would seem to be deleted there.
func (b *branch) refuseCheckedOut() error {
	if bare, err := b.git(nil, "rev-parse", "--is-bare-repository"); err != nil || bare == "true" {
		return err
	}
	head, _ := b.git(nil, "symbolic-ref", "--quiet", "HEAD")
	where, err := b.git(nil, "for-each-ref", "--format=%(worktreepath)", b.ref)
	if err != nil {
		return err
	}
	if head == b.ref && where == "" {
		where = b.dir
	}
	if where != "" {
		return fmt.Errorf("branch %s is checked out in %s; choose a branch that nobody works on", b.name, where)
	}
	return nil
}

// An entry is a file of the branch.
type entry struct {
	oid, name string
	size      int64
}

func (b *branch) Files(use func(File)) error {
	_, from := b.tips()
	if len(from) == 0 {
		return fmt.Errorf("branch %s of the repository in %s: %w", b.name, b.dir, ErrNone)
	}
	var entries []entry
	var ask strings.Builder
	have := map[string]bool{}
	for _, commit := range from {
		listing, err := b.git(nil, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
		if err != nil {
			return err
		}
		for line := range strings.SplitSeq(listing, "\x00") {
			meta, name, _ := strings.Cut(line, "\t")
			fields := strings.Fields(meta) // mode, type, object and size
			if len(fields) != 4 || fields[1] != "blob" || fields[0] == "120000" || !wanted(name) || hidden(name) || have[name] {
				continue
			}
			have[name] = true
			size, _ := strconv.ParseInt(fields[3], 10, 64)
			if size > maxFile {
				use(File{Name: b.name + ":" + name, Err: errTooLarge})
				continue
			}
			entries = append(entries, entry{fields[2], b.name + ":" + name, size})
			ask.WriteString(fields[2] + "\n")
		}
	}
	return b.cat(entries, ask.String(), use)
}

// hidden reports whether a file is in a folder whose name begins with a dot.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

// cat reads the entries by one process.
func (b *branch) cat(entries []entry, ask string, use func(File)) error {
	cmd := b.command("cat-file", "--batch")
	cmd.Stdin = strings.NewReader(ask)
	var said bytes.Buffer
	cmd.Stderr = &said
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("git cat-file in %s: %w", b.dir, err)
	}
	out := bufio.NewReaderSize(pipe, 1<<20)
	for _, e := range entries {
		var f File
		if f, err = next(out, e); err != nil {
			break
		}
		use(f)
	}
	if err != nil {
		cmd.Process.Kill() // it would wait for a reader
	}
	if end := cmd.Wait(); err != nil || end != nil {
		return fmt.Errorf("git cat-file in %s: %w: %s", b.dir, errors.Join(err, end), strings.TrimSpace(said.String()))
	}
	return nil
}

// next reads an object: a line with its name, type and size, or with what is wrong, then its bytes and a newline.
func next(out *bufio.Reader, e entry) (File, error) {
	head, err := out.ReadString('\n')
	if err != nil {
		return File{}, err
	}
	fields := strings.Fields(head)
	if len(fields) != 3 || fields[1] != "blob" || fields[2] != strconv.FormatInt(e.size, 10) {
		return File{Name: e.name, Err: fmt.Errorf("git cat-file says %q", strings.TrimSpace(head))}, nil
	}
	data := make([]byte, e.size+1)
	if _, err := io.ReadFull(out, data); err != nil {
		return File{}, err
	}
	return File{Name: e.name, Data: data[:e.size]}, nil
}
