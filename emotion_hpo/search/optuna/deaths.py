"""When a trial is what its workers die of: too little memory for it, a crash in a library.

It would be continued for ever, each time at the cost of a worker. Only deaths with evidence against
the trial count (`launch.ends`), and only while nothing is gained: a life in which an epoch was
trained to its end begins the count anew. A life that was cut without evidence says nothing.

A trial that has died too often is *set aside*: it waits until nothing else is left, and is then
tried with no other worker beside it, for its neighbours may have taken the memory. If it dies
alone, too, it has failed.
"""

from collections import Counter

from optuna.trial import FrozenTrial

from emotion_hpo.search.optuna.frozen import former_lives
from emotion_hpo.search.optuna.set_aside import ALONE
from emotion_hpo.study import StudyHome
from emotion_hpo.study.curves import read_curve

#: Lives in a row that end in a death with evidence, without a new epoch: then it is set aside.
MOST_DEATHS = 3

#: Attribute of a life: the evidence of its death.
DIED = "died"


def is_not_for_others(home: StudyHome, trials: list[FrozenTrial], number: int) -> bool:
    """Return whether the life that continues a cut one is to be set aside.

    One that was once set aside is trained alone to its end.
    """
    return ALONE in trials[number].user_attrs or (
        len(list_deaths(home, trials, number)) >= MOST_DEATHS
    )


def has_died_alone(home: StudyHome, trials: list[FrozenTrial], number: int) -> bool:
    """Return whether a life died of its trial, without a new epoch and with no worker beside it."""
    attrs = trials[number].user_attrs
    return ALONE in attrs and DIED in attrs and bool(list_deaths(home, trials, number))


def list_deaths(home: StudyHome, trials: list[FrozenTrial], number: int) -> list[str]:
    """Return the evidence of each death since the trial's last gain, the latest first.

    Args:
        home: Where the curves lie. A life's begins with the former ones'.
        trials: All of the study's.
        number: Of the latest life.
    """
    lives = (number, *former_lives(trials, number))
    n_epochs = [len(read_curve(home.trial(life))) for life in lives]
    evidence: list[str] = []
    for index, life in enumerate(lives):
        if n_epochs[index] > max(n_epochs[index + 1 :], default=0):
            break
        if DIED in trials[life].user_attrs:
            evidence.append(trials[life].user_attrs[DIED])
    return evidence


def format_reason(evidence: list[str]) -> str:
    """Return why a trial has failed that died alone.

    >>> format_reason(["SIGSEGV", "SIGSEGV", "exit status 3"])
    'workers died of it without an epoch, at last with none beside: 2 x SIGSEGV, 1 x exit status 3'
    """
    counts = ", ".join(f"{n} x {kind}" for kind, n in Counter(evidence).items())
    return f"workers died of it without an epoch, at last with none beside: {counts}"
