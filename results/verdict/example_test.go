package verdict_test

import (
	"fmt"

	"tunelab/results/verdict"
)

// Two programs were timed in ten blocks, the second about 10 % faster: eight were enough.
func Example() {
	judge, err := verdict.NewJudge(verdict.Rule{Alpha: 0.05, Margin: 0.03, Looks: verdict.Looks(10)})
	if err != nil {
		fmt.Println(err)
		return
	}
	pairs := []verdict.Pair{
		{Base: 512, Variant: 462}, {Base: 530, Variant: 471}, {Base: 508, Variant: 466}, {Base: 515, Variant: 459},
		{Base: 641, Variant: 580}, {Base: 520, Variant: 470}, {Base: 511, Variant: 455}, {Base: 518, Variant: 469},
		{Base: 509, Variant: 461}, {Base: 514, Variant: 460},
	}
	result, err := judge.Decide(pairs)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: ratio %.3f [%.3f, %.3f] at %.0f %%, p = %v, from %d pairs\n",
		result.Verdict, result.Effect, result.Lo, result.Hi, 100*result.Confidence, result.P, result.Pairs)
	// Output: better: ratio 0.900 [0.890, 0.911] at 95 %, p = 0.013, from 8 pairs
}
