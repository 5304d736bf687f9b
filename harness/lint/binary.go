package lint

import (
	"debug/elf"
	"debug/gosym"
	"debug/macho"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tunelab/results/misuse"
)

// A program is the machine code of a test binary.
type program struct {
	decode decoder
	text   []byte
	start  uint64 // address of text
	table  *gosym.Table
}

// A decoder reads the instruction at the beginning of code, which stands at the address pc.
type decoder func(code []byte, pc uint64) instruction

// errUnread is for binaries that are in order but cannot be read here: another processor, no symbols.
var errUnread = errors.New("not a binary that can be read")

// emptyLoops returns those of the loops of which nothing is left in the binary but counting. In a binary for another
// processor than amd64 and arm64, or in another format than ELF and Mach-O, it finds none.
func emptyLoops(binary string, loops []loop) ([]Finding, error) {
	if len(loops) == 0 {
		return nil, nil
	}
	p, err := openProgram(binary)
	if errors.Is(err, errUnread) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the machine code of %s: %w", binary, err)
	}
	// Test files have names of their own: only those of one folder are in a test binary. Their paths are not what they
	// were where it was built with -trimpath.
	byFile := map[string][]loop{}
	for _, l := range loops {
		byFile[filepath.Base(l.file)] = append(byFile[filepath.Base(l.file)], l)
	}
	var found []Finding
	for i := range p.table.Funcs {
		fn := &p.table.Funcs[i]
		file, _, _ := p.table.PCToLine(fn.Entry)
		if list := byFile[path.Base(file)]; list != nil {
			found = append(found, p.emptyIn(fn, list)...)
		}
	}
	return found, nil
}

// emptyIn returns those of the loops that are empty in a function.
func (p *program) emptyIn(fn *gosym.Func, loops []loop) []Finding {
	if fn.Entry < p.start || fn.End > p.start+uint64(len(p.text)) || fn.End < fn.Entry {
		return nil
	}
	var found []Finding
	for _, group := range cycles(disassemble(p.decode, p.text[fn.Entry-p.start:fn.End-p.start], fn.Entry)) {
		if !countsOnly(group) {
			continue
		}
		for _, in := range group {
			if !in.conditional {
				continue
			}
			file, line, _ := p.table.PCToLine(in.pc)
			i := slices.IndexFunc(loops, func(l loop) bool {
				return l.first <= line && line <= l.last && filepath.Base(l.file) == path.Base(file)
			})
			if i >= 0 {
				found = append(found, Finding{File: loops[i].file, Line: loops[i].first, Benchmark: loops[i].nameIn(fn), Code: misuse.EmptyLoop})
			}
		}
	}
	return found
}

// nameIn is which benchmark the loop is of. That of a helper is of the function that it was inlined in.
func (l loop) nameIn(fn *gosym.Func) string {
	name := fn.Name[strings.LastIndex(fn.Name, "/")+1:]
	_, name, _ = strings.Cut(name, ".")
	name, _, _ = strings.Cut(name, ".")
	if l.helper && strings.HasPrefix(name, "Benchmark") {
		return name
	}
	return l.benchmark
}

// openProgram reads the file.
func openProgram(name string) (*program, error) {
	p, lines, err := openELF(name)
	var format *elf.FormatError
	if errors.As(err, &format) {
		p, lines, err = openMachO(name)
	}
	if err != nil {
		return nil, err
	}
	p.table, err = gosym.NewTable(nil, gosym.NewLineTable(lines, p.start))
	if err != nil {
		return nil, errUnread // of a Go release that debug/gosym does not know
	}
	return p, nil
}

// openELF reads a file of Linux or a BSD. It returns the table of lines too.
func openELF(name string) (*program, []byte, error) {
	f, err := elf.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	p := &program{}
	switch f.Machine {
	case elf.EM_X86_64:
		p.decode = decodeAMD64
	case elf.EM_AARCH64:
		p.decode = decodeARM64
	default:
		return nil, nil, errUnread
	}
	text, table := f.Section(".text"), f.Section(".gopclntab")
	if table == nil {
		table = f.Section(".data.rel.ro.gopclntab")
	}
	if text == nil || table == nil {
		return nil, nil, errUnread
	}
	if p.text, err = text.Data(); err != nil {
		return nil, nil, err
	}
	lines, err := table.Data()
	if err != nil {
		return nil, nil, err
	}
	// What the table says counts from the first Go function. A C linker may have put others before it.
	p.start = text.Addr
	symbols, _ := f.Symbols() // none: they were stripped
	i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == "runtime.text" })
	if i >= 0 {
		return p.from(symbols[i].Value), lines, nil
	}
	if libs, _ := f.ImportedLibraries(); len(libs) > 0 {
		return nil, nil, errUnread
	}
	return p, lines, nil
}

// openMachO reads a file of macOS.
func openMachO(name string) (*program, []byte, error) {
	f, err := macho.Open(name)
	var format *macho.FormatError
	if errors.As(err, &format) {
		return nil, nil, errUnread
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	p := &program{}
	switch f.Cpu {
	case macho.CpuAmd64:
		p.decode = decodeAMD64
	case macho.CpuArm64:
		p.decode = decodeARM64
	default:
		return nil, nil, errUnread
	}
	text, table := f.Section("__text"), f.Section("__gopclntab")
	if text == nil || table == nil || f.Symtab == nil {
		return nil, nil, errUnread
	}
	if p.text, err = text.Data(); err != nil {
		return nil, nil, err
	}
	lines, err := table.Data()
	if err != nil {
		return nil, nil, err
	}
	p.start = text.Addr
	for _, s := range f.Symtab.Syms {
		if strings.TrimPrefix(s.Name, "_") == "runtime.text" {
			return p.from(s.Value), lines, nil
		}
	}
	return nil, nil, errUnread
}

// from returns the program without what stands before an address.
func (p *program) from(addr uint64) *program {
	if addr > p.start && addr-p.start < uint64(len(p.text)) {
		p.text, p.start = p.text[addr-p.start:], addr
	}
	return p
}
