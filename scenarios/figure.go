package scenarios

import (
	"fmt"
	"slices"
)

// Figure is something that the report works out of several comparisons. Which fields it needs depends on its kind:
//
//   - "pareto": Case, Metrics (two or three). The variants that no other beats in all of the metrics, and the one to
//     recommend: the best in Metrics[0] among those that stay within Limit, if one is given.
//   - "curve": Metric, Axis, and Case, the name without the axis' part. A line per variant over the values of a
//     numeric name part, and where one line crosses the base's; with Threshold also where each passes that.
//   - "table": Metric and optionally Cases. Ratios to the base, variants down and cases across, such as a train × test
//     matrix.
//   - "factorial": Case, Metric, Factors (two names) and Variants: neither, the first, the second, both. How much of
//     the change is either factor's, and how much their interaction.
//   - "bound": Case, Count, Cost and Metric: an upper bound of the share that one operation has in Metric, its number
//     per request (Count, a metric of Case in Variant) times what one costs (Cost), divided by Metric of the base.
type Figure struct {
	Kind      string   `toml:"kind"`
	Title     string   `toml:"title"`
	Case      string   `toml:"case"`
	Cases     []string `toml:"cases"`
	Metric    string   `toml:"metric"`
	Metrics   []string `toml:"metrics"`
	Axis      string   `toml:"axis"`
	Variants  []string `toml:"variants"` // all when empty
	Factors   []string `toml:"factors"`
	Threshold *float64 `toml:"threshold"`
	Limit     *Limit   `toml:"limit"`
	Variant   string   `toml:"variant"`
	Count     string   `toml:"count"`
	Cost      *Cost    `toml:"cost"`
}

// Limit is what a recommended setting stays within.
type Limit struct {
	Metric string  `toml:"metric"`
	Most   float64 `toml:"most"`
}

// Cost is where the time of one operation is measured: a metric in nanoseconds.
type Cost struct {
	Case    string `toml:"case"`
	Metric  string `toml:"metric"`
	Variant string `toml:"variant"`
}

func (c *checker) checkFigures() {
	for i, f := range c.s.Figures {
		table := fmt.Sprintf("figure[%d]", i)
		need := func(key string, ok bool) {
			if !ok {
				c.fail(at(table+"."+key, table), "a figure of kind %q needs %s", f.Kind, key)
			}
		}
		if f.Title == "" {
			c.fail(at(table), "a figure needs a title: what the reader learns from it")
		}
		for _, name := range append(slices.Clone(f.Variants), f.Variant) {
			if _, ok := c.s.Variant(name); !ok && name != "" {
				c.fail(at(table+".variants", table), "no variant %q", name)
			}
		}
		switch f.Kind {
		case "pareto":
			need("case", f.Case != "")
			need("metrics", len(f.Metrics) == 2 || len(f.Metrics) == 3)
			for _, unit := range f.Metrics {
				if c.s.Metrics.Better[unit] == "" {
					c.fail(at(table+".metrics"), "nobody knows whether more %s is better: add it to metrics.better", unit)
				}
			}
		case "curve":
			need("metric", f.Metric != "")
			need("axis", f.Axis != "")
			need("case", f.Case != "")
		case "table":
			need("metric", f.Metric != "")
			c.primary(table+".metric", f.Metric)
		case "factorial":
			need("case", f.Case != "")
			need("metric", f.Metric != "")
			need("factors", len(f.Factors) == 2)
			need("variants", len(f.Variants) == 4)
		case "bound":
			need("case", f.Case != "")
			need("metric", f.Metric != "")
			need("variant", f.Variant != "")
			need("count", f.Count != "")
			need("cost", f.Cost != nil && f.Cost.Case != "" && f.Cost.Metric != "" && f.Cost.Variant != "")
		default:
			c.fail(at(table+".kind", table), "kind %q is not pareto, curve, table, factorial or bound", f.Kind)
		}
	}
}
