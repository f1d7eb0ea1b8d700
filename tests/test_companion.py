"""A process that trains for another one."""

import gc

from emotion_hpo.companion import freeze_loaded


def test_the_collector_passes_over_what_is_loaded() -> None:
    n_before = gc.get_freeze_count()
    loaded = [{} for _ in range(1000)]
    try:
        freeze_loaded()
        assert gc.get_freeze_count() >= n_before + len(loaded)
        assert not any(one is loaded for one in gc.get_objects())
    finally:
        gc.unfreeze()
