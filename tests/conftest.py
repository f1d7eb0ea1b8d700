"""Fixtures of all tests; those of the later rooms come from `pipeline.py`."""

pytest_plugins = ["tests.pipeline"]
