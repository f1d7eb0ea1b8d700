"""Loaded last by the fork server: the collector of no forked process goes through the libraries."""

import gc

gc.collect()
gc.freeze()
