package scenarios

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// An Error is something wrong in a file that a user wrote. Line 0 means the file as a whole.
type Error struct {
	Path string
	Line int
	Msg  string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Msg)
}

// LineIndex maps the path of a key ("variant[1].name", "bench.dir") or table ("variant[1]") to its line.
//
// Note: go-toml reports positions of syntax and type errors only; the rules that hold between values need their own.
type LineIndex map[string]int

// IndexLines finds the lines of a TOML file's keys, as far as it can be parsed.
func IndexLines(source []byte) LineIndex {
	index := LineIndex{}
	counts := map[string]int{}
	table := ""
	var p unstable.Parser
	p.Reset(source)
	for p.NextExpression() {
		e := p.Expression()
		keys, line := keyOf(e, &p, source)
		switch e.Kind {
		case unstable.ArrayTable:
			table = fmt.Sprintf("%s[%d]", keys, counts[keys])
			counts[keys]++
			index[table] = line
		case unstable.Table:
			table = keys
			index[table] = line
		case unstable.KeyValue:
			path := keys
			if table != "" {
				path = table + "." + keys
			}
			index[path] = line
		}
	}
	return index
}

func keyOf(e *unstable.Node, p *unstable.Parser, source []byte) (string, int) {
	var keys []string
	line := 0
	for it := e.Key(); it.Next(); {
		k := it.Node()
		if line == 0 {
			line = 1 + bytes.Count(source[:min(int(k.Raw.Offset), len(source))], []byte("\n"))
		}
		keys = append(keys, string(k.Data))
	}
	return strings.Join(keys, "."), line
}

// Of returns the line of the most exact of the given paths that the file has.
func (l LineIndex) Of(paths ...string) int {
	for _, p := range paths {
		for p != "" {
			if line, ok := l[p]; ok {
				return line
			}
			p = p[:max(0, strings.LastIndexByte(p, '.'))]
		}
	}
	return 0
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
