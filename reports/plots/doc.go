// Package plots draws the evidence behind a run as small SVG pictures for a page.
//
//  1. A caller fills plain data: [ForestData], [SpreadData] or [OrderData]. Labels are ready strings; values are in the
//     unit as the benchmark declared it.
//  2. [Forest], [Spread] or [Order] drops what can't be drawn (numbers that are not finite), chooses the axis, and draws
//     with gonum.org/v1/plot on a canvas of [Width] units, which is legible on a telephone as it is.
//  3. The SVG is made lean and fit for a page: text stays text, colours are CSS variables with the colour-blind safe
//     palette of Okabe and Ito as their default, and an aria-label tells the numbers in words.
//
// The same data gives the same bytes. Any data at all gives a picture: no values, one value, equal values, infinite
// intervals.
package plots
