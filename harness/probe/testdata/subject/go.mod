// A module of its own, so that it can have the listener that real subjects have.
module tunelab/harness/probe/testdata/subject

go 1.26.0

require tunelab/benchmarks/debug v0.0.0

replace tunelab/benchmarks/debug => ../../../../benchmarks/debug
