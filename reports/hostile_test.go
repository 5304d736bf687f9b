package reports

import (
	"strings"

	"tunelab/results"
)

// hostileNames are texts that try to break out of where they are shown.
var hostileNames = []string{
	`<script>alert("x")</script>`,
	"a'b\"c`d|e\\f$(reboot)",
	"\x1b[31mred\x07\x00\r\nnext: line",
	"\u202egnp.exe\u2066 \ufeff\u200b",
	"נתונים/קריאות=8",
	strings.Repeat("VeryLongName/", 60) + "end=1",
	"ｗｉｄｅ界面🚀/e\u0301" + strings.Repeat("\u0300", 40),
	"]]></svg><img src=x onerror=alert(1)>",
	"\xff\xfe broken",
	"-rf *, (x) @all",
	"",
}

func hostile() *results.File {
	f := fake{
		variants: []string{hostileNames[0], hostileNames[1], hostileNames[3], hostileNames[9]}, metrics: []results.Metric{p99}, blocks: 10,
		cases: []fakeCase{
			{hostileNames[2], []float64{0.7, 1, 1.2}, 0.04, 9216},
			{hostileNames[4], []float64{0.7, 1, 1.2}, 0.04, 9216},
			{hostileNames[5], []float64{0.7, 1, 1.2}, 0.04, 9216},
			{hostileNames[6], []float64{0.7, 1, 1.2}, 0.04, 9216},
			{hostileNames[7], []float64{0.7, 1, 1.2}, 0.04, 9216},
		},
	}.file()
	f.Run.Question = strings.Join(hostileNames, " ")
	f.Run.Scenario = hostileNames[0]
	f.Run.Command = append([]string{"tunelab", "run"}, hostileNames...)
	f.Run.Warnings = hostileNames
	f.Run.Host.CPU = hostileNames[7]
	f.Run.Claims = []results.Claim{{ID: hostileNames[0], Says: hostileNames[7], Kind: "exists", Test: hostileNames[1]}}
	for i, name := range hostileNames {
		f.Run.Variants[0].Build += name + "\n"
		f.Run.NotMeasured = append(f.Run.NotMeasured, results.Unmeasured{Case: name, Why: name})
		f.Trials[i].Outcome, f.Trials[i].Why, f.Trials[i].Output, f.Trials[i].Values = results.Failed, name, name+"\n"+name, nil
	}
	return f
}

// hostileFile is a small run with the text in every place.
func hostileFile(text string) *results.File {
	f := fake{
		variants: []string{text, text + "2"}, metrics: []results.Metric{{Unit: "p99-ns", Better: "lower", Margin: 0.03}}, blocks: 6,
		cases: []fakeCase{{text, []float64{0.7}, 0.04, 9216}},
	}.file()
	r := f.Run
	r.ID, r.Scenario, r.Question, r.Commit, r.Package, r.ScenarioSHA256 = text, text, text, text, text, text
	r.Command = []string{"tunelab", "run", text}
	r.Warnings, r.Host.Noise = []string{text}, []string{text}
	r.Host.CPU, r.Host.Kernel, r.Host.Go, r.Host.Machine, r.Host.Virtual, r.Host.GOOS = text, text, text, text, text, text
	for i := range r.Variants {
		r.Variants[i].Sets, r.Variants[i].Build, r.Variants[i].Binary = text, text, text
	}
	r.Plan.Cases[0].Warnings = []string{text}
	r.Checks = []results.Check{{Variant: text, Output: text}}
	r.Claims = []results.Claim{{ID: text, Says: text, Kind: "exists", Test: text}, {ID: text, Says: text, Kind: text}, {ID: text, Kind: "value", Metric: "p99-ns", Case: text, Value: 1}}
	r.Facts = []results.Fact{{Claim: text, Test: text, Saw: text}}
	r.NotMeasured = []results.Unmeasured{{Case: text, Variant: text, Why: text}}
	f.Path = text
	f.Problems = []results.Problem{{Path: text, Line: 1, Msg: text}}
	f.Trials[0].Outcome, f.Trials[0].Why, f.Trials[0].Output, f.Trials[0].Values = results.Failed, text, text, nil
	return f
}
