package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
)

// A series is what one benchmark measured in one unit, a value a night, NaN where the night has none.
type series struct {
	name, unit string
	values     []float64
}

// A half is one of the two parts that the benchmarks fall into by a hash of their names, so that what was tuned on one part
// can be judged on the other.
type half int

const (
	tuning half = iota
	judging
)

func (h half) String() string { return [...]string{"tuning", "judging"}[h] }

func (s series) half() half {
	hash := fnv.New64a()
	io.WriteString(hash, s.name)
	return half(hash.Sum64() >> 32 & 1)
}

// readHistory reads a table with the columns benchmark and unit, and one for each night.
func readHistory(name string) ([]series, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the nights: %w", err)
	}
	defer file.Close()
	return parseHistory(name, file)
}

func parseHistory(name string, from io.Reader) ([]series, error) {
	r := csv.NewReader(from)
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: reading the names of the nights: %w", name, err)
	}
	if len(head) < 3 || head[0] != "benchmark" || head[1] != "unit" {
		return nil, fmt.Errorf("%s:1: reading the names of the nights: the line has to begin with benchmark,unit and a night", name)
	}
	var out []series
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: reading a series: %w", name, lineOf(err), errors.Unwrap(err))
		}
		s := series{name: row[0], unit: row[1], values: make([]float64, len(row)-2)}
		for i, field := range row[2:] {
			if s.values[i], err = number(field); err != nil {
				line, _ := r.FieldPos(i + 2)
				return nil, fmt.Errorf("%s:%d: reading night %d of %s: %w", name, line, i+1, s.name, err)
			}
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s:2: reading the series: there are none below the names of the nights", name)
	}
	return out, nil
}

// lineOf is where a record began that encoding/csv could not read.
func lineOf(err error) int {
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return bad.Line
	}
	return 0
}

// number reads a value that is not negative; an empty field is a night without one.
func number(field string) (float64, error) {
	if field == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(field, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return 0, fmt.Errorf("%q is no number from 0", field)
	}
	return v, nil
}

// inUnit are the series in a unit.
func inUnit(all []series, unit string) []series {
	var out []series
	for _, s := range all {
		if s.unit == unit {
			out = append(out, s)
		}
	}
	return out
}

// present are the values that there are.
func present(values []float64) []float64 {
	var out []float64
	for _, v := range values {
		if !math.IsNaN(v) {
			out = append(out, v)
		}
	}
	return out
}

// median of at least one value; NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	x := slices.Sorted(slices.Values(values))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
