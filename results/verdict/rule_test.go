package verdict

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestLooks(t *testing.T) {
	for last, want := range map[int][]int{
		-1: nil, 0: nil, 1: {1}, 8: {8}, 9: {8, 9}, 10: {8, 10}, 11: {8, 10, 11}, 12: {8, 10, 12},
		20: {8, 10, 12, 16, 20}, 21: {10, 12, 16, 20, 21},
		30: {10, 12, 16, 20, 25, 30}, 31: {10, 12, 16, 20, 25, 30, 31},
		120: {10, 12, 16, 20, 25, 30, 38, 48, 60, 75, 94, 118, 120},
	} {
		if got := Looks(last); !slices.Equal(got, want) {
			t.Errorf("Looks(%d) = %v, want %v", last, got, want)
		}
	}
	looks := Looks(5000)
	for i := 1; i < len(looks)-1; i++ {
		if growth := float64(looks[i]) / float64(looks[i-1]); growth < 1.19 || growth > 1.34 {
			t.Errorf("looks grow by %v from %d to %d, want about a quarter", growth, looks[i-1], looks[i])
		}
	}
}

func TestRuleErrors(t *testing.T) {
	good := Rule{Alpha: 0.05, Margin: 0.03, MarginAbs: 2, Looks: []int{1, 2, MaxPairs}}
	if err := good.check(); err != nil {
		t.Errorf("%+v: %v", good, err)
	}
	for want, change := range map[string]func(*Rule){
		"alpha is 0;":             func(r *Rule) { r.Alpha = 0 },
		"alpha is 0.5;":           func(r *Rule) { r.Alpha = 0.5 },
		"alpha is NaN;":           func(r *Rule) { r.Alpha = math.NaN() },
		"margin is -0.1;":         func(r *Rule) { r.Margin = -0.1 },
		"margin is +Inf;":         func(r *Rule) { r.Margin = math.Inf(1) },
		"absolute margin is -1;":  func(r *Rule) { r.MarginAbs = -1 },
		"absolute margin is NaN;": func(r *Rule) { r.MarginAbs = math.NaN() },
		"no looks":                func(r *Rule) { r.Looks = nil },
		"looks are [0 3];":        func(r *Rule) { r.Looks = []int{0, 3} },
		"looks are [3 3];":        func(r *Rule) { r.Looks = []int{3, 3} },
		"looks are [1 65536];":    func(r *Rule) { r.Looks = []int{1, 65536} },
	} {
		bad := good
		change(&bad)
		for name, err := range map[string]error{
			"NewJudge":   second(NewJudge(bad)),
			"WithRule":   second(judge(t, Rule{Alpha: 0.05, Looks: []int{9}}).WithRule(bad)),
			"Decide":     second(Decide(nil, bad)),
			"DecideLast": second(DecideLast(nil, bad)),
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, want one with %q", name, err, want)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
