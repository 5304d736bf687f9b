package lint

import "slices"

// A kind is what an instruction does, as far as it matters to whether a loop does anything.
type kind int

const (
	other   kind = iota // work: a call, a store, arithmetic that is not counting
	nothing             // no-op
	step                // adds a constant to a register
	move                // sets a register to another, to a constant, or to what is in memory at a fixed place
	compare             // compares registers, constants and memory at a fixed place
	jump
)

// An instruction is one of the machine's.
type instruction struct {
	pc          uint64
	size        int
	kind        kind
	to          int    // the register that is set, -1: none
	from        []int  // the registers that are read
	target      uint64 // of a jump
	conditional bool   // a jump that may not be taken
	compares    bool   // a jump that compares by itself
	ends        bool   // what follows is not run next
}

// disassemble reads a function. It stops where it cannot read on.
func disassemble(decode decoder, code []byte, pc uint64) []instruction {
	var list []instruction
	for len(code) > 0 {
		in := decode(code, pc)
		if in.size <= 0 || in.size > len(code) {
			break
		}
		in.pc = pc
		list = append(list, in)
		code, pc = code[in.size:], pc+uint64(in.size)
	}
	return list
}

// cycles returns the loops of a function, the outermost ones: the groups of instructions of which each can be reached from
// each (Tarjan, Depth-first search and linear graph algorithms, 1972).
func cycles(list []instruction) [][]instruction {
	g := graph{next: successors(list), index: make([]int, len(list)), low: make([]int, len(list)), on: make([]bool, len(list))}
	for v := range list {
		if g.index[v] == 0 {
			g.visit(v)
		}
	}
	var groups [][]instruction
	for _, members := range g.groups {
		if v := members[0]; len(members) == 1 && !slices.Contains(g.next[v], v) {
			continue
		}
		slices.Sort(members)
		var group []instruction
		for _, v := range members {
			group = append(group, list[v])
		}
		groups = append(groups, group)
	}
	return groups
}

// successors returns for each instruction those that may be run next, within the function.
func successors(list []instruction) [][]int {
	next := make([][]int, len(list))
	for v, in := range list {
		if !in.ends && v+1 < len(list) {
			next[v] = append(next[v], v+1)
		}
		if in.kind != jump {
			continue
		}
		if w, ok := slices.BinarySearchFunc(list, in.target, func(i instruction, pc uint64) int {
			return int(int64(i.pc - pc))
		}); ok {
			next[v] = append(next[v], w)
		}
	}
	return next
}

type graph struct {
	next       [][]int
	index, low []int // index 0: not visited
	on         []bool
	stack      []int
	count      int
	groups     [][]int
}

// visit follows what can be reached from v. It keeps its own stack of calls: a function may be long.
func (g *graph) visit(v int) {
	type frame struct{ v, edge int }
	g.enter(v)
	for calls := []frame{{v, 0}}; len(calls) > 0; {
		top := &calls[len(calls)-1]
		if top.edge < len(g.next[top.v]) {
			w := g.next[top.v][top.edge]
			top.edge++
			switch {
			case g.index[w] == 0:
				g.enter(w)
				calls = append(calls, frame{w, 0})
			case g.on[w]:
				g.low[top.v] = min(g.low[top.v], g.index[w])
			}
			continue
		}
		done := top.v
		calls = calls[:len(calls)-1]
		if len(calls) > 0 {
			parent := calls[len(calls)-1].v
			g.low[parent] = min(g.low[parent], g.low[done])
		}
		if g.low[done] == g.index[done] {
			at := slices.Index(g.stack, done)
			for _, w := range g.stack[at:] {
				g.on[w] = false
			}
			g.groups = append(g.groups, slices.Clone(g.stack[at:]))
			g.stack = g.stack[:at]
		}
	}
}

func (g *graph) enter(v int) {
	g.count++
	g.index[v], g.low[v] = g.count, g.count
	g.stack, g.on[v] = append(g.stack, v), true
}

// countsOnly reports whether a loop, with those inside of it, does nothing but count: for each counter there is one
// comparison and one jump that depends on it, the loop has one end, and all that is computed goes into the comparisons.
func countsOnly(group []instruction) bool {
	inside := map[uint64]bool{}
	for _, in := range group {
		inside[in.pc] = true
	}
	steps, compares, jumps, exits := 0, 0, 0, 0
	used := map[int]bool{}
	for _, in := range group {
		switch in.kind {
		case other:
			return false
		case step:
			steps++
		case compare:
			compares++
		}
		if in.conditional {
			jumps++
			if !inside[in.target] || !inside[in.pc+uint64(in.size)] {
				exits++
			}
		}
		if in.compares {
			compares++
		}
		if in.kind == compare || in.compares {
			for _, r := range in.from {
				used[r] = true
			}
		}
	}
	return steps > 0 && steps == compares && steps == jumps && exits == 1 && allUsed(group, used)
}

// allUsed reports whether all registers that are set end in those that are used.
func allUsed(group []instruction, used map[int]bool) bool {
	for again := true; again; {
		again = false
		for _, in := range group {
			if in.to < 0 || !used[in.to] {
				continue
			}
			for _, r := range in.from {
				again = again || !used[r]
				used[r] = true
			}
		}
	}
	return !slices.ContainsFunc(group, func(in instruction) bool { return in.to >= 0 && !used[in.to] })
}
