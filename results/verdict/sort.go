package verdict

import "math/bits"

// digit is how many bits are sorted by at a time.
const digit = 10

// largest returns, in descending order, the values from some value on, with
// whole groups of ties, and the index of each: at least want of them, unless
// there are fewer. (Radix sort: comparing would take longer than all else.)
func largest(values []uint32, want int) (sorted, from []uint32) {
	top := uint32(0)
	for _, v := range values {
		top = max(top, v)
	}
	width := bits.Len32(top)
	shift := max(0, width-digit)
	var count [1 << digit]int
	for _, v := range values {
		count[v>>shift]++
	}
	cut, kept := len(count), 0
	for cut > 0 && kept < want {
		cut--
		kept += count[cut]
	}
	sorted, from = make([]uint32, kept+1), make([]uint32, kept+1) // one to spare
	next := 0
	for i, v := range values { // without a branch that could be predicted wrongly
		sorted[next], from[next] = v, uint32(i)
		next += int(1 - (uint64(v>>shift)-uint64(cut))>>63)
	}
	sorted, from = sorted[:kept], from[:kept]
	for done := 0; done < width; done += digit {
		sorted, from = byDigit(sorted, from, done)
	}
	return sorted, from
}

// byDigit sorts stably, descending, by the digit that begins at bit shift.
func byDigit(values, from []uint32, shift int) (sorted, sortedFrom []uint32) {
	const mask = 1<<digit - 1
	var start [1 << digit]uint32
	for _, v := range values {
		start[v>>shift&mask]++
	}
	next := uint32(0)
	for d := mask; d >= 0; d-- {
		start[d], next = next, next+start[d]
	}
	sorted, sortedFrom = make([]uint32, len(values)), make([]uint32, len(values))
	for i, v := range values {
		at := &start[v>>shift&mask]
		sorted[*at], sortedFrom[*at] = v, from[i]
		*at++
	}
	return sorted, sortedFrom
}
