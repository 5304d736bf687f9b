package lint

import (
	"encoding/binary"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"
)

// decodeARM64 is the decoder for arm64. What stands between instructions, padding say, is work that is never reached.
func decodeARM64(code []byte, pc uint64) instruction {
	in := instruction{size: 4, to: -1}
	if len(code) < 4 {
		return instruction{}
	}
	inst, err := arm64asm.Decode(code)
	if err != nil {
		in.ends = binary.LittleEndian.Uint32(code)>>16 == 0 // UDF
		return in
	}
	switch inst.Op {
	case arm64asm.NOP:
		in.kind = nothing
	case arm64asm.ADD, arm64asm.SUB:
		to, ok := arm64Register(inst.Args[0])
		from, ok2 := arm64Register(inst.Args[1])
		if _, constant := inst.Args[2].(arm64asm.ImmShift); ok && ok2 && constant {
			in.kind, in.to, in.from = step, to, []int{from}
		}
	case arm64asm.MOV, arm64asm.ORR, arm64asm.LDR:
		in.kind, in.to, in.from = arm64Move(inst)
	case arm64asm.CMP:
		in.kind = compare
		for _, arg := range inst.Args[:2] {
			from, ok := arm64Operand(arg)
			if !ok {
				in.kind = other
			}
			in.from = append(in.from, from...)
		}
	case arm64asm.RET, arm64asm.BR, arm64asm.BRK:
		in.ends = true
	case arm64asm.B, arm64asm.CBZ, arm64asm.CBNZ, arm64asm.TBZ, arm64asm.TBNZ:
		arm64Jump(&in, inst, pc)
	}
	return in
}

// arm64Jump reads a jump.
func arm64Jump(in *instruction, inst arm64asm.Inst, pc uint64) {
	for _, arg := range inst.Args {
		switch arg := arg.(type) {
		case arm64asm.PCRel:
			in.kind, in.target = jump, pc+uint64(int64(arg))
		case arm64asm.Cond:
			in.conditional = true
		case arm64asm.Reg:
			r, _ := arm64Register(arg)
			in.conditional, in.compares, in.from = true, true, []int{r}
		}
	}
	in.ends = !in.conditional
}

// arm64Move reads what sets a register to another, to a constant, or to what is in memory at a fixed place.
func arm64Move(inst arm64asm.Inst) (kind, int, []int) {
	to, ok := arm64Register(inst.Args[0])
	if !ok {
		return other, -1, nil
	}
	from, ok := arm64Operand(inst.Args[1])
	if !ok {
		return other, -1, nil
	}
	if inst.Op == arm64asm.ORR { // with the register that is always 0 it is MOV
		more, ok := arm64Operand(inst.Args[2])
		if !ok || inst.Args[1] != arm64asm.XZR && inst.Args[1] != arm64asm.WZR {
			return other, -1, nil
		}
		from = append(from, more...)
	}
	return move, to, from
}

// arm64Register returns the number of a 64 or 32 bit register. The one that is always 0 has none.
func arm64Register(a arm64asm.Arg) (int, bool) {
	r, ok := a.(arm64asm.Reg)
	if sp, isSP := a.(arm64asm.RegSP); isSP {
		r, ok = arm64asm.Reg(sp), true
	}
	switch {
	case ok && r >= arm64asm.X0 && r <= arm64asm.X30:
		return int(r - arm64asm.X0), true
	case ok && r >= arm64asm.W0 && r <= arm64asm.W30:
		return int(r - arm64asm.W0), true
	}
	return 0, false
}

// arm64Operand returns the registers of an operand, false when it is not a register, a constant or at a fixed place.
func arm64Operand(a arm64asm.Arg) ([]int, bool) {
	switch a := a.(type) {
	case arm64asm.Imm, arm64asm.Imm64, arm64asm.ImmShift:
		return nil, true
	case arm64asm.MemImmediate:
		if a.Mode != arm64asm.AddrOffset {
			return nil, false
		}
		r, ok := arm64Register(a.Base)
		if a.Base == arm64asm.RegSP(arm64asm.SP) {
			return nil, true
		}
		return []int{r}, ok
	case arm64asm.RegExtshiftAmount:
		// Its fields are not exported. "X3" is the register alone.
		return arm64Named(a.String())
	case arm64asm.Reg:
		if a == arm64asm.XZR || a == arm64asm.WZR {
			return nil, true
		}
		r, ok := arm64Register(a)
		return []int{r}, ok
	case arm64asm.RegSP:
		r, ok := arm64Register(a)
		return []int{r}, ok
	}
	return nil, false
}

// arm64Named returns the register of this name.
func arm64Named(name string) ([]int, bool) {
	for r := arm64asm.W0; r <= arm64asm.X30; r++ {
		if strings.EqualFold(name, r.String()) {
			n, ok := arm64Register(r)
			return []int{n}, ok
		}
	}
	return nil, strings.EqualFold(name, "XZR") || strings.EqualFold(name, "WZR")
}
