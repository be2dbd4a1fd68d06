"""The figures of docs/explanation/performance.md, measured: `make bench`, or `python -m benchmarks.run`."""
