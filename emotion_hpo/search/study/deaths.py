"""When a trial is what its workers die of: too little memory for it, a crash in a library.

It would be continued for ever, each time at the cost of a worker. Deaths count only while nothing
is gained: a life in which an epoch was trained to its end begins the count anew. Only deaths of
workers by themselves do; the user's stops and a killed coordinator, which takes all workers along,
say nothing about a trial.
"""

from optuna.trial import FrozenTrial

from emotion_hpo.search.study.frozen import former_lives
from emotion_hpo.search.study.storage import Keeping

#: Lives in a row that end in a worker's death without a new epoch: then the trial has failed.
MOST_DEATHS = 3

#: What is then told of it.
REASON = f"{MOST_DEATHS} workers died of it without training an epoch"


def has_died_of_it(keeping: Keeping, trials: list[FrozenTrial], number: int) -> bool:
    """Note the death of a trial's worker; True, with the reason noted, if it was one too many.

    Args:
        keeping: Where it is noted, and the curves lie. A life's begins with the former ones'.
        trials: All of the study's.
        number: Of the latest life.
    """
    keeping.tables.set_trial_user_attr(trials[number]._trial_id, "died", True)
    lives = (number, *former_lives(trials, number))
    n_epochs = [len(keeping.home.trial(life).read_curve()) for life in lives]
    n_in_vain = 0
    for index, life in enumerate(lives):
        has_died = life == number or trials[life].user_attrs.get("died", False)
        if not has_died or n_epochs[index] > max(n_epochs[index + 1 :], default=0):
            break
        n_in_vain += 1
    if n_in_vain < MOST_DEATHS:
        return False
    keeping.tables.set_trial_user_attr(trials[number]._trial_id, "reason", REASON)
    return True
