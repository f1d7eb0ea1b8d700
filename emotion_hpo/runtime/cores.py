"""How many processes and threads may run beside each other."""

import joblib

#: Processes that read a corpus at most: four take a minute for IEMOCAP, and 1 GB together.
MOST_READERS = 4


def n_cores() -> int:
    """Return the number of cores that this process may use.

    joblib takes the least of the machine's cores, the process's affinity and its control group's
    quota, which a container or a cluster sets.
    """
    return int(joblib.cpu_count())


def n_readers() -> int:
    """Return the number of processes that read a corpus beside each other."""
    return min(n_cores(), MOST_READERS)
