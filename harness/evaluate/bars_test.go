package main

import (
	"strings"
	"testing"

	"tunelab/results/calibration"
)

func TestBars(t *testing.T) {
	power := func(five, two float64) []calibration.Power {
		return []calibration.Power{{Slower: 0.02, Seconds: two, Longest: 80}, {Slower: 0.05, Seconds: five, Longest: 80}, {Slower: 0.05, Code: true, Seconds: 99}}
	}
	benchmark := func(name string, ours, theirs []calibration.Power, hits int) calibration.Benchmark {
		return calibration.Benchmark{Name: name, PilotMS: 1000, Methods: []calibration.Method{
			{Name: "tunelab", Ours: true, Inside: 0.87, Same: calibration.Rate{Hits: hits, Tries: 40}, Coins: &calibration.Rate{Hits: 5, Tries: 100}, Layouts: &calibration.Rate{Hits: 1, Tries: 50}, Equal: &calibration.Rate{Hits: 9, Tries: 10}, Powers: ours},
			{Name: "interleaved, benchstat", Same: calibration.Rate{Hits: 3, Tries: 40}, Powers: theirs},
			{Name: "old then new, benchstat", Inside: 0.7, Same: calibration.Rate{Hits: 20, Tries: 40}},
		}}
	}
	at := map[float64]*calibration.Calibration{
		0: {Benchmarks: []calibration.Benchmark{
			benchmark("A", power(2, 8), power(40, 0), 2), benchmark("B", power(4, 0), power(0, 0), 1), benchmark("C", power(3, 0), power(10, 0), 0),
			{Name: "D", Methods: []calibration.Method{{Name: "tunelab", Ours: true, Inside: 0.6, Same: calibration.Rate{Hits: 9, Tries: 9}}}},
		}},
		0.5: {Benchmarks: []calibration.Benchmark{benchmark("A", power(2, 8), power(40, 0), 4)}},
	}
	var out strings.Builder
	if err := bars(&out, []float64{0, 0.25, 0.5}, at); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| tunelab | tunelab, by coins | tunelab, other layouts | interleaved, benchstat | old then new, benchstat |",
		"| 0 % of a CPU | 3 of 120 = 2.5 % (0.5 to 7.1) | 15 of 300 = 5.0 % (2.8 to 8.1) | 3 of 150 = 2.0 % (0.4 to 5.7) | 9 of 120 = 7.5 % (3.5 to 13.8) | 60 of 120 = 50.0 % (40.7 to 59.3) |",
		"| 50 % of a CPU | 4 of 40 = 10.0 %",
		"| all | 7 of 160 = 4.4 % (1.8 to 8.8) | 20 of 400 = 5.0 % (3.1 to 7.6) | 4 of 200 = 2.0 % (0.5 to 5.0) |",
		"| A | 2 s | 40 s | 0.050 | 0.075 | 8 s | > 80 s | 9 of 10 | 87 % | 70 % |",
		"| B | 4 s | > 80 s | < 0.050 | < 0.062 |",
		"| D | – | – | – | – |",
		"Median ratio 0.050, largest 0.300, of 3 benchmarks; with the pilot 0.075 and 0.400.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "25 %") {
		t.Error("a level that was not measured")
	}
}
