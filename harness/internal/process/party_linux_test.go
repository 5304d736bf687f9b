package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// parrot does what it is told: it repeats the line, or worse.
func parrot() {
	dir := filepath.Dir(os.Args[0])
	open := func(name string, flag int) *os.File {
		f, err := os.OpenFile(filepath.Join(dir, name), flag, 0)
		if err != nil {
			panic(err)
		}
		return f
	}
	answers := open("answers", os.O_WRONLY)
	lines := bufio.NewScanner(open("commands", os.O_RDONLY))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch lines.Text() {
		case "die":
			fmt.Println("last words")
			os.Exit(3)
		case "hang":
			time.Sleep(time.Hour)
		case "flood":
			fmt.Println(strings.Repeat("x", 2<<20))
		case "leave":
			startCopy("sleeper", &syscall.SysProcAttr{Setsid: true})
		case "leave twice": // the one in between ends
			cmd := exec.Command(os.Args[0])
			cmd.Env = role("leaver")
			if err := cmd.Run(); err != nil {
				panic(err)
			}
		case "spin":
			go func() {
				for {
					burnt++
				}
			}()
		case "leave openly":
			startCopy("sleeper", &syscall.SysProcAttr{Setsid: true}, os.Environ()...)
		case "dribble":
			for _, c := range "in pieces\n.\n" {
				fmt.Fprint(answers, string(c))
				time.Sleep(100 * time.Millisecond)
			}
			continue
		case "die talking":
			fmt.Fprint(answers, "half an ans")
			os.Exit(3)
		}
		fmt.Fprintf(answers, "%s\n.\n", lines.Text())
	}
	fmt.Fprintln(os.Stderr, "goodbye")
}

func member(t *testing.T, p *Party) *Member {
	t.Helper()
	at, err := NewStage(filepath.Join(t.TempDir(), "stage"), os.Args[0], "parrot.test", "commands", "answers")
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Start(Spec{Path: at.Program, Env: role("parrot"), MaxOutput: 1 << 20}, at, "commands", "answers")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ask(m *Member, command string, limit time.Duration) (string, error) {
	text, err := m.Ask(context.Background(), command+"\n", "\n.\n", limit)
	return string(text), err
}

func TestPartyAnswers(t *testing.T) {
	p := supervisor(t).NewParty()
	a, b := member(t, p), member(t, p)
	for i := range 100 {
		for name, m := range map[string]*Member{"a": a, "b": b} {
			want := fmt.Sprint(name, i)
			if got, err := ask(m, want, time.Minute); got != want || err != nil {
				t.Fatalf("%q, %v; want %q", got, err, want)
			}
		}
	}
	for range 10 { // more in all than the limit, and less each time
		if got, err := ask(a, strings.Repeat("y", 300<<10)+" much", time.Minute); len(got) != 300<<10+5 || err != nil {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if got, err := ask(a, "dribble", time.Minute); got != "in pieces" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	exits, err := p.Close(context.Background())
	if err != nil || len(exits) != 2 {
		t.Fatal(exits, err)
	}
	for _, exit := range exits {
		if !exit.Ok() || string(exit.Stderr) != "goodbye\n" || exit.Left != 0 || exit.Wall <= 0 {
			t.Errorf("%+v", exit)
		}
	}
}

// One that ends badly does not take the others with it.
func TestPartyMisfortunes(t *testing.T) {
	for _, c := range []struct {
		command string
		limit   time.Duration
		is      func(Exit) bool
	}{
		{"die", time.Minute, func(e Exit) bool { return e.Code == 3 && strings.Contains(string(e.Stdout), "last words") }},
		{"hang", 50 * time.Millisecond, func(e Exit) bool { return e.TimedOut && strings.Contains(string(e.Stderr), "parrot") }},
		{"flood", time.Minute, func(e Exit) bool { return e.Flooded }},
		{"die talking", time.Minute, func(e Exit) bool { return e.Code == 3 }},
	} {
		t.Run(c.command, func(t *testing.T) {
			p := supervisor(t).NewParty()
			unlucky, other := member(t, p), member(t, p)
			got, err := ask(unlucky, c.command, c.limit)
			if !errors.Is(err, ErrEnded) || strings.Contains(c.command, "talking") != (got == "half an ans") {
				t.Errorf("%q, %v", got, err)
			}
			if got, err := ask(unlucky, "again", time.Minute); !errors.Is(err, ErrEnded) {
				t.Errorf("after its end: %q, %v", got, err)
			}
			if got, err := ask(other, "still here", time.Minute); got != "still here" || err != nil {
				t.Errorf("the other one: %q, %v", got, err)
			}
			exits, err := p.Close(context.Background())
			if err != nil || !c.is(exits[0]) || !exits[1].Ok() {
				t.Errorf("%+v, %v", exits, err)
			}
		})
	}
}

func TestPartyLeavesNothing(t *testing.T) {
	p := supervisor(t).NewParty()
	a, _ := member(t, p), member(t, p)
	if _, err := ask(a, "leave", time.Minute); err != nil {
		t.Fatal(err)
	}
	exits, err := p.Close(context.Background())
	if err != nil || exits[0].Left != 1 || exits[1].Left != 0 { // it has cleared its environment, and is its child
		t.Errorf("%+v, %v", exits, err)
	}
	gone(t, "sleeper")
}

// What has cleared its environment and lost its parent is his whose turn it was when it appeared in the cgroup. Without one
// it may be anybody's.
func TestPartyLeftInItsTurn(t *testing.T) {
	s := supervisor(t)
	p := s.NewParty()
	a, _ := member(t, p), member(t, p)
	if _, err := ask(a, "leave twice", time.Minute); err != nil {
		t.Fatal(err)
	}
	exits, err := p.Close(context.Background())
	others := 0
	if s.Marks() {
		others = exits[0].Left
	}
	if err != nil || exits[0].Left == 0 || exits[1].Left != others {
		t.Errorf("%+v, %v", exits, err)
	}
	gone(t, "sleeper")
}

// A member that goes on working when it has answered is seen to.
func TestPartySeesWhoWorksWhileWaiting(t *testing.T) {
	p := supervisor(t).NewParty()
	calm, busy := member(t, p), member(t, p)
	if _, err := ask(busy, "spin", time.Minute); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, m := range []*Member{calm, busy} {
			if _, err := ask(m, "hello", time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * time.Millisecond)
	}
	ask(calm, "bye", time.Minute)
	ask(busy, "bye", time.Minute)
	if calm.Waiting() > 10*time.Millisecond || busy.Waiting() < 20*time.Millisecond {
		t.Errorf("CPU time while waiting: %v and %v", calm.Waiting(), busy.Waiting())
	}
	if _, err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// What one member leaves is that member's, and the others have done nothing wrong.
func TestPartyKnowsWhoseItWas(t *testing.T) {
	p := supervisor(t).NewParty()
	_, b := member(t, p), member(t, p)
	if _, err := ask(b, "leave openly", time.Minute); err != nil {
		t.Fatal(err)
	}
	exits, err := p.Close(context.Background())
	if err != nil || exits[0].Left != 0 || exits[1].Left != 1 {
		t.Errorf("%+v, %v", exits, err)
	}
	gone(t, "sleeper")
}

func TestPartyIsInterrupted(t *testing.T) {
	p := supervisor(t).NewParty()
	a, _ := member(t, p), member(t, p)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := a.Ask(ctx, "hang\n", "\n.\n", time.Minute); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if exits, err := p.Close(ctx); len(exits) != 2 || !errors.Is(err, context.Canceled) && err != nil {
		t.Errorf("%+v, %v", exits, err)
	}
}

// A limit is for how long a member says nothing.
func TestPartyLimitBeginsAnew(t *testing.T) {
	p := supervisor(t).NewParty()
	m := member(t, p)
	if got, err := ask(m, "dribble", time.Second); got != "in pieces" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// A command that is longer than a pipe is taken by one that lives, and not waited for by one that has ended.
func TestPartyLongCommands(t *testing.T) {
	p := supervisor(t).NewParty()
	a, b := member(t, p), member(t, p)
	long := strings.Repeat("z", 500<<10)
	if got, err := ask(a, long, time.Minute); got != long || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := ask(b, "die", time.Minute); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
	c := member(t, p)
	c.child.cmd.Process.Kill()
	if _, err := ask(c, long, time.Second); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
	if _, err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
