"""Honest benchmarks: `make bench` runs them all and prints ratios to what can be reached."""
