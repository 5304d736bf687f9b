// What the subjects share. It requires nothing, so that no upgrade of tunelab's changes what is measured.
module tunelab/benchmarks/debug

go 1.26.0
