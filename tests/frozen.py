"""Loaded last by the fork server: what compiled loops need at their first call; no garbage."""

import gc

import numpy as np

from emotion_hpo.models import dropout_loops

dropout_loops.pass_where_alive(*np.zeros((3, 1), np.int32))

# The collector of no forked process goes through the libraries
gc.collect()
gc.freeze()
