package lock

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func holder(token string) Holder {
	return Holder{PID: 42, Token: token, Command: []string{"tunelab", "run", "x"}, Dir: "/here", Since: time.Unix(1e9, 0)}
}

func TestAcquire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, dead, err := Acquire(path, holder("first"))
	if err != nil || dead != nil {
		t.Fatal(dead, err)
	}
	var held *HeldError
	if _, _, err := Acquire(path, holder("second")); !errors.As(err, &held) {
		t.Fatal("taken twice: ", err)
	}
	if held.Holder.Token != "first" || !strings.Contains(held.Error(), "process 42, `tunelab run x` in /here") {
		t.Errorf("%v", held)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, dead, err := Acquire(path, holder("second"))
	if err != nil || dead != nil {
		t.Fatalf("after a release: the holder before is %v, %v", dead, err)
	}
	second.f.Close() // as when its process dies: the kernel gives the lock back, the text stays
	third, dead, err := Acquire(path, holder("third"))
	if err != nil || dead == nil || dead.Token != "second" {
		t.Fatalf("after a death: the holder before is %v, %v", dead, err)
	}
	third.Release()
}

func TestAcquireCopesWithTheFile(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("\x00{not json"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, dead, err := Acquire(garbage, holder("x"))
	if err != nil || dead != nil {
		t.Fatal(dead, err)
	}
	l.Release()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(garbage, link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Acquire(link, holder("x")); err == nil {
		t.Error("followed a link that somebody put in a shared folder")
	}
	if _, _, err := Acquire(filepath.Join(dir, "missing", "lock"), holder("x")); err == nil || !strings.Contains(err.Error(), "$"+PathVar) {
		t.Error(err)
	}
}
