"""Studies of seconds on the synthetic twin, for `benchmarks/honesty.py`."""
