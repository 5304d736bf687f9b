package watch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Watch sees what happens to files from when they are added.
type Watch struct {
	file   *os.File
	fd     int // of file, which would block if it were asked for it
	most   int
	mu     sync.Mutex
	places map[int32]*place // by the kernel's number
	seen   []string
	done   chan struct{} // closed when the reader has ended
}

// New returns a watch of nothing yet, and of so many files and folders at most.
func New(most int) (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	w := &Watch{fd: fd, file: os.NewFile(uintptr(fd), "inotify"), most: most, places: map[int32]*place{}, done: make(chan struct{})}
	go w.read()
	return w, nil
}

// Add watches paths: a file and the folder that holds it, or a folder and all that is below it. Of a path that is not there
// the nearest folder above it is watched. It is called once: looking for what is there opens folders.
func (w *Watch) Add(paths ...string) error {
	var wholes, held []string
	for _, path := range paths {
		held = append(held, path)
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if !info.IsDir() {
			wholes = append(wholes, path)
			continue
		}
		err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() { // what is in it, it tells
				wholes = append(wholes, name)
			}
			if err == nil && len(wholes) > w.most {
				err = tooMany(w.most)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("watching %s: %w", path, err)
		}
	}
	if err := prove(held); err != nil {
		return err
	}
	for _, path := range wholes {
		if err := w.add(path, true, ""); err != nil {
			return err
		}
	}
	for _, path := range held {
		if err := w.addHolder(path); err != nil {
			return err
		}
	}
	return nil
}

// prove opens a folder on each of the file systems that paths are on, and returns an error when nobody tells of it.
func prove(paths []string) error {
	proved := map[uint64]bool{}
	for _, path := range paths {
		dir := filepath.Dir(path)
		var stat unix.Stat_t
		for unix.Stat(dir, &stat) != nil && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
		}
		if proved[uint64(stat.Dev)] {
			continue
		}
		proved[uint64(stat.Dev)] = true
		w, err := New(1)
		if err != nil {
			return err
		}
		err = w.add(dir, true, "")
		if f, opened := os.Open(dir); opened == nil {
			f.Close()
		}
		seen, ended := w.Touched()
		if err = errors.Join(err, ended); err != nil {
			return err
		}
		if len(seen) == 0 {
			return fmt.Errorf("the file system of %s does not tell who opens files", dir)
		}
	}
	return nil
}

// addHolder watches the nearest folder above a path for its next part.
func (w *Watch) addHolder(path string) error {
	for {
		dir, name := filepath.Dir(path), filepath.Base(path)
		if dir == path {
			return nil
		}
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return w.add(dir, false, name)
		}
		path = dir
	}
}

func (w *Watch) add(path string, whole bool, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.places) >= w.most {
		return tooMany(w.most)
	}
	number, err := unix.InotifyAddWatch(w.fd, path, unix.IN_OPEN|unix.IN_ACCESS|unix.IN_MASK_ADD)
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w: more than the kernel allows (fs.inotify.max_user_watches)", ErrTooMany)
	}
	if err != nil {
		return fmt.Errorf("watching %s: %w", path, err)
	}
	p := w.places[int32(number)]
	if p == nil {
		p = &place{path: path, names: map[string]bool{}}
		w.places[int32(number)] = p
	}
	p.whole = p.whole || whole
	p.names[name] = true
	return nil
}

// read takes events as they come, so that the kernel's queue does not run over.
func (w *Watch) read() {
	defer close(w.done)
	buffer := make([]byte, 64<<10)
	for {
		n, err := w.file.Read(buffer)
		if err != nil {
			return
		}
		w.note(buffer[:n])
	}
}

// note keeps what counts among events, which are as inotify(7) has them: number, mask, cookie, length of the name, name.
func (w *Watch) note(events []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(events) >= unix.SizeofInotifyEvent {
		number, mask := int32(binary.NativeEndian.Uint32(events)), binary.NativeEndian.Uint32(events[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		name := unix.ByteSliceToString(events[unix.SizeofInotifyEvent:end])
		events = events[end:]
		text := ""
		switch p := w.places[number]; {
		case mask&unix.IN_Q_OVERFLOW != 0:
			text = "more files than could be followed"
		case p != nil && mask&(unix.IN_OPEN|unix.IN_ACCESS) != 0 && (p.whole || name == "" || p.names[name]):
			text = p.touched(name)
		}
		if text != "" && len(w.seen) < 100 && !slices.Contains(w.seen, text) {
			w.seen = append(w.seen, text)
		}
	}
}

// Touched ends the watch and returns what was opened, listed or read until now: paths, each once.
func (w *Watch) Touched() ([]string, error) {
	if err := w.file.SetReadDeadline(time.Now()); err != nil {
		return nil, fmt.Errorf("ending a watch of files: %w", err)
	}
	<-w.done
	buffer := make([]byte, 64<<10)
	raw, err := w.file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("ending a watch of files: %w", err)
	}
	err = raw.Control(func(fd uintptr) { // what is still in the queue
		for {
			n, err := unix.Read(int(fd), buffer)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n <= 0 {
				return
			}
			w.note(buffer[:n])
		}
	})
	err = errors.Join(err, w.file.Close())
	if err != nil {
		return nil, fmt.Errorf("ending a watch of files: %w", err)
	}
	return w.seen, nil
}
