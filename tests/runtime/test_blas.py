"""The limit on matrix products lasts as long as anyone needs it, and no longer."""

from threadpoolctl import threadpool_info, threadpool_limits

from emotion_hpo.runtime.blas import one_blas_thread


def n_threads():
    """Of each library for matrix products."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_the_first_to_end_does_not_lift_the_limit_of_another():
    first, second = one_blas_thread(), one_blas_thread()
    with threadpool_limits(2, "blas"):
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert n_threads() == {1}
        second.__exit__(None, None, None)
        assert n_threads() == {2}
