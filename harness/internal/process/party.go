package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// A Party is children that live side by side, one working at a time. Nothing else is run until it is closed.
type Party struct {
	supervisor *Supervisor
	members    []*Member
}

// A Member is a child that answers commands.
type Member struct {
	child *child
	stdin *os.File
	used  time.Duration // CPU time when it last answered
	idle  time.Duration // CPU time since, while it should have waited, beyond what it takes to fall asleep
	over  bool          // it has ended
}

// ErrEnded is in the error about a member that ended instead of answering; [Party.Close] says how.
var ErrEnded = errors.New("the process ended")

// settling is the CPU time that a member may use between its answer and its sleep.
const settling = 200 * time.Microsecond

// quitPatience is how long a member may take to end when there are no more commands.
const quitPatience = 10 * time.Second

// NewParty returns a party without members.
func (s *Supervisor) NewParty() *Party { return &Party{supervisor: s} }

// Start starts one more. The spec's Timeout is not looked at: every command has a limit of its own.
func (p *Party) Start(spec Spec) (*Member, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for commands: %w", err)
	}
	defer theirs.Close()
	spec.Env = append(append([]string{}, spec.Env...), p.mark(len(p.members)))
	c, err := p.supervisor.begin(spec, theirs)
	if err != nil {
		ours.Close()
		return nil, err
	}
	m := &Member{child: c, stdin: ours}
	p.members = append(p.members, m)
	return m, nil
}

// mark is in the environment of a member and of what it starts.
func (p *Party) mark(i int) string { return fmt.Sprintf("TUNELAB_MEMBER=%s-%d", p.supervisor.token, i) }

// Ask writes a command to the member's standard input and returns what it then printed on standard output before the
// text end. A member that does not answer within the limit is ended: the error is [ErrEnded], or ctx's.
func (m *Member) Ask(ctx context.Context, command, end string, limit time.Duration) ([]byte, error) {
	if m.over {
		return nil, ErrEnded
	}
	if m.used > 0 {
		m.idle += max(0, cpuOf(m.child.cmd.Process.Pid)-m.used-settling)
	}
	answered := m.child.stdout.await([]byte(end))
	_, writeErr := m.stdin.WriteString(command) // it may have ended: then that is what is said
	alive, err := m.child.await(ctx, limit, answered)
	if !alive {
		m.over = true
		return nil, errors.Join(ErrEnded, err)
	}
	if writeErr != nil {
		return nil, fmt.Errorf("writing a command to process %d: %w", m.child.cmd.Process.Pid, writeErr)
	}
	m.used = cpuOf(m.child.cmd.Process.Pid)
	return m.child.stdout.take([]byte(end)), nil
}

// Waiting is the CPU time that the member used between its answers and the commands that followed, but for what falling
// asleep takes: what it took from those whose turn it was.
func (m *Member) Waiting() time.Duration { return m.idle }

// Close ends all members, by closing their standard input, and what they left behind. It returns how each of them ended,
// in the order in which they were started. What was left is told apart by its environment, or as a child of a member's;
// what has cleared the one and is not the other is in every member's Exit.
func (p *Party) Close(ctx context.Context) ([]Exit, error) {
	var errs []error
	children := make([][]int, len(p.members))
	for i, m := range p.members {
		if !m.over {
			children[i] = below(m.child.cmd.Process.Pid)
		}
	}
	for _, m := range p.members {
		m.stdin.Close()
	}
	exits := make([]Exit, len(p.members))
	for i, m := range p.members {
		if !m.over {
			m.over = true
			_, err := m.child.await(ctx, quitPatience, nil)
			errs = append(errs, err)
		}
		exits[i] = m.child.finish()
	}
	known := 0
	if p.supervisor.anyLeft() {
		for i := range exits {
			exits[i].Left = p.supervisor.leftBy(p.mark(i), children[i])
			known += exits[i].Left
		}
	}
	left := 0
	for _, m := range p.members { // not before all have ended: to the sweep, a member is a process that somebody left
		n, err := p.supervisor.sweep(m.child.cmd.Process.Pid)
		errs = append(errs, err)
		left += n
	}
	for i := range exits {
		exits[i].Left += max(0, left-known)
	}
	return exits, errors.Join(errs...)
}
