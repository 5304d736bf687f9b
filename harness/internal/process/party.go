package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// A Party is children that live side by side, one working at a time. Nothing else is run until it is closed.
type Party struct {
	supervisor *Supervisor
	members    []*Member
	left       map[int]*Member // by process that was left, whose it is; nil: anybody's
	asking     int             // how many are at work
	together   bool            // several were since none was
	mu         sync.Mutex      // of the three above
}

// A Member is a child that answers commands.
type Member struct {
	party    *Party
	child    *child
	commands *os.File
	pipe     *os.File // of answers
	answers  *stream
	drained  chan struct{} // closed when all answers have been read, after the pipe was closed
	used     time.Duration // CPU time when it last answered
	idle     time.Duration // CPU time since, while it should have waited, beyond what it takes to fall asleep
	over     bool          // it has ended
}

// ErrEnded is in the error about a member that ended instead of answering; [Party.Close] says how.
var ErrEnded = errors.New("the process ended")

const (
	// settling is the CPU time that a member may use between its answer and its sleep.
	settling = 200 * time.Microsecond
	// quitPatience is how long a member may take to end when there are no more commands.
	quitPatience = 10 * time.Second
	// keptOutput is how many bytes of what a member printed are kept at least.
	keptOutput = 64 << 10
	// maxAnswer is the most bytes of an answer.
	maxAnswer = 16 << 20
)

// NewParty returns a party without members.
func (s *Supervisor) NewParty() *Party { return &Party{supervisor: s, left: map[int]*Member{}} }

// Start starts one more, from a stage with pipes of these names. The spec's Timeout is not looked at: every command has a
// limit of its own.
func (p *Party) Start(spec Spec, at *Stage, commands, answers string) (*Member, error) {
	m := &Member{party: p, drained: make(chan struct{})}
	var err error
	if m.commands, err = at.open(commands); err != nil {
		return nil, err
	}
	if m.pipe, err = at.open(answers); err != nil {
		m.commands.Close()
		return nil, err
	}
	if p.supervisor.Marks() {
		spec.Env = append(append([]string{}, spec.Env...), p.mark(len(p.members)))
	}
	if m.child, err = p.supervisor.begin(spec); err != nil {
		m.commands.Close()
		m.pipe.Close()
		return nil, err
	}
	m.answers = &stream{o: &output{left: maxAnswer, flood: make(chan struct{})}}
	go m.listen()
	p.members = append(p.members, m)
	return m, nil
}

// mark is in the environment of a member and of what it starts.
func (p *Party) mark(i int) string { return fmt.Sprintf("TUNELAB_MEMBER=%s-%d", p.supervisor.token, i) }

// Ask gives the member a command, and returns what it then answered before the text end. A member that says nothing for as
// long as the limit is ended: the error is [ErrEnded], or ctx's, and what is returned is what it had answered.
func (m *Member) Ask(ctx context.Context, command, end string, limit time.Duration) ([]byte, error) {
	if m.over {
		return nil, ErrEnded
	}
	m.party.begins()
	defer m.party.ends(m)
	if m.used > 0 {
		m.idle += max(0, cpuOf(m.child.cmd.Process.Pid)-m.used-settling)
	}
	answered := m.answers.await([]byte(end))
	m.commands.SetWriteDeadline(time.Now().Add(limit)) // a long command is not taken by one that has ended
	_, writeErr := m.commands.WriteString(command)     // it may have ended: then that is what is said
	alive, err := m.child.await(ctx, limit, answered, m.answers)
	if !alive {
		m.over = true
		m.drain()
		return bytes.TrimSuffix(m.answers.rest(), []byte(drained)), errors.Join(ErrEnded, err)
	}
	if writeErr != nil {
		return nil, fmt.Errorf("giving a command to process %d: %w", m.child.cmd.Process.Pid, writeErr)
	}
	m.used = cpuOf(m.child.cmd.Process.Pid)
	m.child.stdout.forget(keptOutput)
	m.child.stderr.forget(keptOutput)
	return m.answers.take([]byte(end)), nil
}

// Printed returns the end of what the member has printed on standard output.
func (m *Member) Printed() []byte { return m.child.stdout.rest() }

// drained is what we write behind all answers of a member that has ended.
const drained = "\x16drained\n"

// listen reads answers until there are no more.
func (m *Member) listen() {
	defer close(m.drained)
	buf := make([]byte, 32<<10)
	var end []byte // of all that was read
	for {
		n, err := m.pipe.Read(buf)
		if err != nil {
			return
		}
		m.answers.Write(buf[:n])
		end = append(end, buf[:n]...)
		if end = end[max(0, len(end)-len(drained)):]; string(end) == drained {
			return
		}
	}
}

// drain reads what a member that has ended had answered, and nothing after that.
func (m *Member) drain() {
	select {
	case <-m.drained: // the second time
	default:
		if _, err := m.pipe.WriteString(drained); err == nil {
			<-m.drained
		}
	}
}

// begins and ends note who is at work, so that what is new among the processes of the cgroup is known to be his.
func (p *Party) begins() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking++
	p.together = p.together || p.asking > 1
}

func (p *Party) ends(m *Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asking--; p.asking > 0 {
		return
	}
	if p.together {
		m, p.together = nil, false
	}
	pids := p.supervisor.group.pids()
	if len(pids) <= len(p.members) { // mostly
		return
	}
	for _, pid := range pids {
		isMember := slices.ContainsFunc(p.members, func(m *Member) bool { return m.child.cmd.Process.Pid == pid })
		if _, known := p.left[pid]; !known && !isMember {
			p.left[pid] = m
		}
	}
}

// Waiting is the CPU time that the member used between its answers and the commands that followed, but for what falling
// asleep takes: what it took from those whose turn it was.
func (m *Member) Waiting() time.Duration { return m.idle }

// Close ends all members, by giving them no more commands, and what they left behind. It returns how each of them ended,
// in the order in which they were started. What was left is told apart by whose turn it was when it appeared, by its
// environment where that is marked, or as a child of a member's; what is none of these is in every member's Exit.
func (p *Party) Close(ctx context.Context) ([]Exit, error) {
	var errs []error
	children := make([][]int, len(p.members))
	for i, m := range p.members {
		if !m.over {
			children[i] = below(m.child.cmd.Process.Pid)
		}
	}
	for _, m := range p.members {
		m.commands.Close()
	}
	exits := make([]Exit, len(p.members))
	for i, m := range p.members {
		if !m.over {
			m.over = true
			_, err := m.child.await(ctx, quitPatience, nil, nil)
			errs = append(errs, err)
		}
		exits[i] = m.child.finish()
		m.drain()
		m.pipe.Close()
	}
	known := 0
	if p.supervisor.anyLeft() {
		for i := range exits {
			theirs := children[i]
			for pid, m := range p.left {
				if m == p.members[i] && !slices.Contains(theirs, pid) {
					theirs = append(theirs, pid)
				}
			}
			exits[i].Left = p.supervisor.leftBy(p.mark(i), theirs)
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
