package scenarios

import (
	"fmt"
	"maps"
	"strings"
)

// Matrix makes variants as a cross product of its axes. A variant's name is its values, joined by +:
// "GOGC=50+GOMEMLIMIT=90%".
type Matrix struct {
	Base   string            `toml:"base"` // the name of the base; "" where a [[variant]] is the base
	Axes   []Axis            `toml:"axis"`
	Env    map[string]string `toml:"env"` // what all of them set besides
	Limits Limits            `toml:"limits"`
	Allow  []string          `toml:"allow"`
}

// Axis is one thing that the matrix varies.
type Axis struct {
	Name   string   `toml:"name"`   // stands in the variants' names
	Env    string   `toml:"env"`    // the variable it sets; Name when neither is given
	Select bool     `toml:"select"` // its values are name parts of benchmarks, as Name=value
	Values []string `toml:"values"` // "" leaves the variable unset
}

// maxMatrix keeps a cross product from becoming a run that never ends.
const maxMatrix = 64

// variants returns the cross product, the first axis changing slowest.
func (m Matrix) variants() []Variant {
	out := []Variant{{}}
	for _, axis := range m.Axes {
		var next []Variant
		for _, v := range out {
			for _, value := range axis.Values {
				next = append(next, axis.apply(v, value))
			}
		}
		if out = next; len(out) > maxMatrix {
			return out
		}
	}
	for i := range out {
		v := &out[i]
		if v.Name == "" {
			v.Name = "default"
		}
		v.Base = v.Name == m.Base
		for key, value := range m.Env {
			if _, ok := v.Env[key]; !ok {
				v.Env[key] = value
			}
		}
		v.Limits, v.Allow = m.Limits, m.Allow
	}
	return out
}

// apply returns the variant with one more axis.
func (a Axis) apply(v Variant, value string) Variant {
	env, axes := map[string]string{}, map[string]string{}
	maps.Copy(env, v.Env)
	maps.Copy(axes, v.Axes)
	v.Env, v.Axes = env, axes
	axes[a.Name] = value
	label := a.Name + "=" + value
	switch {
	case a.Select:
		v.Select = label
	case value == "":
		return v
	case a.Env != "":
		env[a.Env] = value
	default:
		env[a.Name] = value
	}
	if v.Name != "" {
		v.Name += "+"
	}
	v.Name += label
	return v
}

func (c *checker) checkMatrix() {
	m := c.s.Matrix
	if len(m.Axes) == 0 {
		if m.Base != "" || len(m.Env) > 0 || m.Limits != (Limits{}) || len(m.Allow) > 0 {
			c.fail(at("matrix"), "a matrix without an axis: add [[matrix.axis]] with name and values")
		}
		return
	}
	selects := 0
	for i, axis := range m.Axes {
		table := fmt.Sprintf("matrix.axis[%d]", i)
		if axis.Name == "" || len(axis.Values) == 0 {
			c.fail(at(table), "an axis needs a name and values")
		}
		if axis.Select && axis.Env != "" {
			c.fail(at(table+".env"), "axis %q both selects benchmarks and sets %s", axis.Name, axis.Env)
		}
		if axis.Select {
			selects++
		}
		if strings.ContainsAny(axis.Name, "/+ ") {
			c.fail(at(table+".name"), "axis name %q: no /, + or space", axis.Name)
		}
	}
	if selects > 1 {
		c.fail(at("matrix"), "%d axes select benchmarks; a variant selects one name part", selects)
	}
	if n := len(m.variants()); n > maxMatrix {
		c.fail(at("matrix"), "the matrix makes more than %d variants", maxMatrix)
	}
	if m.Base != "" {
		if _, ok := c.s.Variant(m.Base); !ok {
			var names []string
			for _, v := range m.variants() {
				names = append(names, v.Name)
			}
			c.fail(at("matrix.base"), "the matrix makes no variant %q; it makes %q", m.Base, names)
		}
	}
}
