package lint

import (
	"golang.org/x/arch/x86/x86asm"
)

// decodeAMD64 is the decoder for amd64.
func decodeAMD64(code []byte, pc uint64) instruction {
	inst, err := x86asm.Decode(code, 64)
	if err != nil {
		return instruction{}
	}
	in := instruction{size: inst.Len, to: -1}
	switch op := inst.Op; op {
	case x86asm.NOP, x86asm.FNOP:
		in.kind = nothing
	case x86asm.INC, x86asm.DEC:
		if r, ok := register64(inst.Args[0]); ok {
			in.kind, in.to, in.from = step, r, []int{r}
		}
	case x86asm.ADD, x86asm.SUB:
		r, ok := register64(inst.Args[0])
		if _, constant := inst.Args[1].(x86asm.Imm); ok && constant && r != int(x86asm.RSP-x86asm.RAX) {
			in.kind, in.to, in.from = step, r, []int{r}
		}
	case x86asm.LEA:
		r, ok := register64(inst.Args[0])
		if m, isMem := inst.Args[1].(x86asm.Mem); ok && isMem && m.Index == 0 && m.Disp != 0 && m.Base != x86asm.RIP {
			if base, ok := register64(m.Base); ok {
				in.kind, in.to, in.from = step, r, []int{base}
			}
		}
	case x86asm.MOV, x86asm.XOR:
		in.kind, in.to, in.from = amd64Move(inst)
	case x86asm.CMP, x86asm.TEST:
		in.kind, in.from = amd64Compare(inst)
	case x86asm.RET, x86asm.UD2, x86asm.UD1, x86asm.HLT:
		in.ends = true
	default:
		if rel, ok := inst.Args[0].(x86asm.Rel); ok && op != x86asm.CALL {
			in.kind, in.target = jump, pc+uint64(inst.Len)+uint64(int64(rel))
			in.conditional, in.ends = op != x86asm.JMP, op == x86asm.JMP
		} else if op == x86asm.JMP {
			in.ends = true // through a table or to another function
		}
	}
	return in
}

// register64 returns the number of a 64 or 32 bit register: the latter is the lower half of the same.
func register64(a x86asm.Arg) (int, bool) {
	r, ok := a.(x86asm.Reg)
	switch {
	case ok && r >= x86asm.RAX && r <= x86asm.R15:
		return int(r - x86asm.RAX), true
	case ok && r >= x86asm.EAX && r <= x86asm.R15L:
		return int(r - x86asm.EAX), true
	}
	return 0, false
}

// amd64Move reads MOV, and XOR of a register with itself, which sets it to 0.
func amd64Move(inst x86asm.Inst) (kind, int, []int) {
	to, ok := register64(inst.Args[0])
	if !ok {
		return other, -1, nil
	}
	from, known := amd64Operand(inst.Args[1])
	if inst.Op == x86asm.XOR {
		if inst.Args[0] != inst.Args[1] {
			return other, -1, nil
		}
		return move, to, nil
	}
	if !known {
		return other, -1, nil
	}
	return move, to, from
}

// amd64Compare reads CMP and TEST.
func amd64Compare(inst x86asm.Inst) (kind, []int) {
	a, ok := amd64Operand(inst.Args[0])
	b, ok2 := amd64Operand(inst.Args[1])
	_, memory := inst.Args[0].(x86asm.Mem)
	if !ok || !ok2 || memory && inst.Op == x86asm.TEST { // TEST of memory is a check for nil
		return other, nil
	}
	return compare, append(a, b...)
}

// amd64Operand returns the registers of an operand, false when it is not a register, a constant or at a fixed place.
func amd64Operand(a x86asm.Arg) ([]int, bool) {
	switch a := a.(type) {
	case x86asm.Imm:
		return nil, true
	case x86asm.Reg:
		r, ok := register64(a)
		return []int{r}, ok
	case x86asm.Mem:
		if a.Index != 0 || a.Segment != 0 {
			return nil, false
		}
		r, ok := register64(a.Base)
		return []int{r}, ok
	}
	return nil, false
}
