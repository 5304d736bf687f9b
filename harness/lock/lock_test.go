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
	if err != nil || tokens(dead) != "second" {
		t.Fatalf("after a death: the holder before is %v, %v", dead, err)
	}
	third.f.Close() // before it had cleaned up
	fourth, dead, err := Acquire(path, holder("fourth"))
	if err != nil || tokens(dead) != "second third" {
		t.Fatalf("after two deaths: the holders before are %v, %v", dead, err)
	}
	if err := fourth.Settle(); err != nil {
		t.Fatal(err)
	}
	fourth.f.Close()
	fifth, dead, err := Acquire(path, holder("fifth"))
	if err != nil || tokens(dead) != "fourth" {
		t.Fatalf("after one that had cleaned up: the holders before are %v, %v", dead, err)
	}
	fifth.Release()
}

func tokens(list []Holder) string {
	var all []string
	for _, h := range list {
		all = append(all, h.Token)
	}
	return strings.Join(all, " ")
}

func TestAcquireCopesWithTheFile(t *testing.T) {
	dir := t.TempDir()
	torn := filepath.Join(dir, "torn") // killed between writing the new text and cutting off the old one
	if err := os.WriteFile(torn, []byte(`{"pid":7,"token":"new"}":"old","command":["tunelab"]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if l, dead, err := Acquire(torn, holder("x")); err != nil || tokens(dead) != "new" {
		t.Errorf("a torn file: %v, %v", dead, err)
	} else {
		l.Release()
	}
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
