"""Benchmarks: Souk and the obvious ways to build it, measured in turn on one machine."""
