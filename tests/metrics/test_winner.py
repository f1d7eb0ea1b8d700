"""The winner's expected score: unbiased where the truth is known, and what it looks at."""

import numpy as np
import pytest

from emotion_hpo import metrics
from emotion_hpo.metrics import Run, ValidationLabels, correct_winner_score

N, N_CLASSES = 400, 4


def fold(name, rng, n=N):
    dialogues = [f"{name}_{one}" for one in np.sort(rng.integers(0, 40, n))]
    return ValidationLabels(rng.integers(0, N_CLASSES, n), dialogues)


def answers(labels, accuracy, rng, n_epochs=1):
    """One-hot answers that are right with a probability, independently."""
    right = rng.random((n_epochs, len(labels))) < accuracy
    wrong = (labels + rng.integers(1, N_CLASSES, right.shape)) % N_CLASSES
    return np.eye(N_CLASSES, dtype=np.float32)[np.where(right, labels, wrong)]


def study(seed, n_trials=20, n_epochs=5, n_folds=1):
    """All trials and epochs are right in 60 % of all cases: the winner is luck alone."""
    rng = np.random.default_rng(seed)
    folds = {str(index): fold(str(index), rng) for index in range(n_folds)}
    trials = [
        [Run(name, answers(one.labels, 0.6, rng, n_epochs)) for name, one in folds.items()]
        for _ in range(n_trials)
    ]
    return folds, trials


@pytest.mark.parametrize("n_folds", [1, 3])
def test_luck_is_taken_off(n_folds):
    """The best of a hundred equal looks promises points too much; corrected, about none."""
    found = [
        correct_winner_score(*study(seed, n_folds=n_folds), n_resamples=200) for seed in range(40)
    ]
    plain, value = (np.mean([getattr(one, name) for one in found]) for name in ("plain", "value"))
    assert plain > 0.63
    assert value == pytest.approx(0.6, abs=0.008)
    covered = np.mean([one.interval.low <= 0.6 <= one.interval.high for one in found])
    assert covered >= 0.8


def test_a_clear_winner_loses_nothing():
    rng = np.random.default_rng(0)
    one = fold("a", rng)
    trials = [[Run("a", answers(one.labels, share, rng))] for share in (0.5, 0.8, 0.5)]
    found = correct_winner_score({"a": one}, trials)
    assert found.winner == 1
    assert found.value == pytest.approx(found.plain, abs=0.005)
    assert found.interval.low < found.value < found.interval.high


def test_a_single_trial_is_its_own_mean():
    rng = np.random.default_rng(0)
    one = fold("a", rng)
    found = correct_winner_score({"a": one}, [[Run("a", answers(one.labels, 0.6, rng))]])
    assert found.value == pytest.approx(found.plain, abs=0.005)


def test_folds_that_differ_wildly_promise_nothing_impossible():
    rng = np.random.default_rng(0)
    folds = {name: fold(name, rng) for name in "ab"}
    runs = [
        Run(name, answers(folds[name].labels, share, rng))
        for name, share in zip("ab", (0, 1), strict=True)
    ]
    found = correct_winner_score(folds, [runs])
    assert (found.interval.low, found.interval.high) == (0, 1)


@pytest.mark.parametrize("objective", metrics.OBJECTIVES)
def test_the_plain_value_is_the_best_by_the_objective(objective):
    rng = np.random.default_rng(1)
    one = fold("a", rng)
    every = [rng.dirichlet(np.ones(N_CLASSES), (3, N)) for _ in range(6)]
    found = correct_winner_score({"a": one}, [[Run("a", epochs)] for epochs in every], objective)
    figures = [
        [metrics.score_all(one.labels, epoch)[objective[4:]] for epoch in epochs]
        for epochs in every
    ]
    is_score = metrics.find_metric(objective).greater_is_better
    best = np.max if is_score else np.min
    assert found.plain == pytest.approx(best(figures))
    by_trial = best(figures, axis=1)
    assert found.winner == (by_trial.argmax() if is_score else by_trial.argmin())
    worse = found.value <= found.plain if is_score else found.value >= found.plain
    assert worse
    assert found.interval.low <= found.value <= found.interval.high


def test_folds_that_part_widen_the_interval():
    rng = np.random.default_rng(0)
    folds = {str(index): fold(str(index), rng) for index in range(4)}

    def width(shares):
        runs = [
            Run(name, answers(one.labels, share, rng))
            for (name, one), share in zip(folds.items(), shares, strict=True)
        ]
        found = correct_winner_score(folds, [runs])
        return found.interval.high - found.interval.low

    assert width([0.5, 0.7, 0.5, 0.7]) > 1.5 * width([0.6, 0.6, 0.6, 0.6])


def test_of_one_trial_the_interval_is_students():
    """The jackknife of a mean is its standard error: t = 2.353 at 90 % and three degrees."""
    rng = np.random.default_rng(0)
    folds = {str(index): fold(str(index), rng) for index in range(4)}
    shares = zip(folds.items(), (0.5, 0.6, 0.7, 0.8), strict=True)
    runs = [Run(name, answers(one.labels, share, rng)) for (name, one), share in shares]
    found = correct_winner_score(folds, [runs])
    scores = [(one.probabilities[0].argmax(1) == folds[one.fold].labels).mean() for one in runs]
    half = 2.3534 * np.std(scores, ddof=1) / 2
    assert found.interval.high - found.value == pytest.approx(half, rel=1e-4)


def test_that_other_sessions_would_choose_another_winner_widens_the_interval():
    """Two trials, each good on two of four sessions: the scores are alike, the choice is not."""
    rng = np.random.default_rng(0)
    folds = {str(index): fold(str(index), rng) for index in range(4)}

    def width(*trials):
        made = [
            [
                Run(name, answers(one.labels, share, rng))
                for (name, one), share in zip(folds.items(), shares, strict=True)
            ]
            for shares in trials
        ]
        found = correct_winner_score(folds, made)
        assert found.value == pytest.approx(0.6, abs=0.03)
        return found.interval.high - found.interval.low

    assert width([0.8, 0.8, 0.6, 0.6], [0.6, 0.6, 0.8, 0.8]) > 3 * width([0.6] * 4, [0.5] * 4)


def test_a_lead_on_one_folds_speakers_is_no_promise_for_new_ones():
    """Each trial is good on one fold alone; chosen on the others, it is as good as any there."""
    rng = np.random.default_rng(0)
    folds = {str(index): fold(str(index), rng) for index in range(4)}
    trials = [
        [
            Run(name, answers(one.labels, 0.9 if index == best else 0.5, rng))
            for index, (name, one) in enumerate(folds.items())
        ]
        for best in range(4)
    ]
    found = correct_winner_score(folds, trials, n_resamples=100)
    assert found.plain > 0.59
    assert found.value == pytest.approx(0.5, abs=0.03)


def test_speakers_who_talk_to_each_other_count_as_one():
    """Two folds of a session: their dialogues are the same, and so is how well they are told."""
    rng, widths, values = np.random.default_rng(0), [], []
    shares = [0.5, 0.5, 0.7, 0.7, 0.5, 0.5, 0.7, 0.7]
    labels = rng.integers(0, N_CLASSES, N)
    given = [answers(labels, share, rng) for share in shares]
    for n_sessions in (4, 8):
        folds = {
            str(one): ValidationLabels(
                labels, [f"{one % n_sessions}_{row % 20}" for row in range(N)]
            )
            for one in (0, 4, 1, 5, 2, 6, 3, 7)
        }
        runs = [Run(name, one) for name, one in zip(folds, given, strict=True)]
        found = correct_winner_score(folds, [runs])
        widths.append(found.interval.high - found.interval.low)
        values.append(found.value)
    assert widths[0] > 1.5 * widths[1]
    assert values[0] == pytest.approx(values[1])


def test_a_partner_does_not_choose():
    """A trial that is good on one session alone, on both of its speakers, is no lead either."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, N)
    folds = {
        f"{session}{who}": ValidationLabels(labels, [f"{session}_{row % 20}" for row in range(N)])
        for session in range(4) for who in "FM"
    }  # fmt: skip
    trials = [
        [Run(name, answers(labels, 0.9 if name[0] == str(best) else 0.5, rng)) for name in folds]
        for best in range(4)
    ]
    found = correct_winner_score(folds, trials, n_resamples=100)
    assert found.value == pytest.approx(0.5, abs=0.03)


def test_dialogues_judge_and_choose_as_wholes():
    """Where a dialogue is right or wrong as a whole, there are 20 observations and not 400."""
    rng = np.random.default_rng(0)
    labels, dialogue = rng.integers(0, N_CLASSES, N), np.arange(N) % 20
    right = rng.permutation(20)[dialogue] < 12
    given = np.where(right, labels, (labels + 1) % N_CLASSES)
    run = Run("a", np.eye(N_CLASSES, dtype=np.float32)[given][None])
    widths = []
    for names in (dialogue, np.arange(N)):
        found = correct_winner_score(
            {"a": ValidationLabels(labels, [str(one) for one in names])}, [[run]]
        )
        assert found.value == pytest.approx(0.6)
        widths.append(found.interval.high - found.interval.low)
    assert widths[0] > 3 * widths[1]


def test_an_interval_is_wider_where_the_choice_is_luck():
    """Equal trials: who wins hangs on the division; of one trial there is no choice."""
    widths = []
    for n_trials, n_epochs in ((1, 1), (20, 5)):
        found = [correct_winner_score(*study(seed, n_trials, n_epochs)) for seed in range(5)]
        widths.append(np.mean([one.interval.high - one.interval.low for one in found]))
    assert widths[1] > 1.15 * widths[0]


@pytest.mark.parametrize(
    "objective", ["val/accuracy", "val/uar", "val/loss", "val/balanced_log_loss"]
)
def test_a_smoothed_value_is_that_of_its_epochs(objective):
    """The best mean of three epochs: the plain value is the trial's, luck is taken off."""
    n_epochs, excess, found = 15, [], None
    for seed in range(20):
        folds, trials = study(seed, n_trials=10, n_epochs=n_epochs)
        labels, sign = folds["0"].labels, metrics.find_metric(objective).sign
        curves = [
            [metrics.score_all(labels, one)[objective[4:]] for one in run.probabilities]
            for (run,) in trials
        ]
        smoothed = [
            [np.mean(curve[max(end - 3, 0) : end]) for end in range(1, n_epochs + 1)]
            for curve in curves
        ]
        found = correct_winner_score(folds, trials, objective, n_smoothed=3, n_resamples=100)
        assert found.plain == pytest.approx(sign * np.max(sign * np.array(smoothed)))
        excess.append(found.value - np.mean(curves))
    assert abs(np.mean(excess)) < 3 * np.std(excess) / len(excess) ** 0.5


@pytest.mark.parametrize(
    ("objective", "low"),
    [("val/accuracy", 0.05 ** (1 / 20)), ("val/uar", 1 - (1 - 0.05 ** (1 / 5)) * 4**0.5 / 4)],
)
def test_no_winner_is_certain(objective, low):
    """All of twenty utterances right: the exact interval, of 90 %, of one share or of four."""
    labels = np.arange(20) % N_CLASSES
    right = Run("a", np.eye(N_CLASSES, dtype=np.float32)[labels][None])
    found = correct_winner_score(
        {"a": ValidationLabels(labels, [*map(str, labels)])}, [[right]], objective
    )
    assert found.value == 1
    assert (found.interval.low, found.interval.high) == (pytest.approx(low), 1)


def test_trials_that_are_equal_but_for_the_order_of_folds_are_a_tie():
    """The first wins, as in a search; a sum's rounding must not tell them apart."""
    n, n_folds = 60, 8
    labels = np.arange(n) % N_CLASSES
    folds = {str(one): ValidationLabels(labels, [*map(str, range(n))]) for one in range(n_folds)}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n_right = rng.integers(20, 40, n_folds)
        trials = [
            [
                Run(name, np.eye(N_CLASSES)[np.where(np.arange(n) < k, labels, labels - 1)][None])
                for name, k in zip(folds, order, strict=True)
            ]
            for order in (n_right, rng.permutation(n_right))
        ]
        assert correct_winner_score(folds, trials, n_resamples=5).winner == 0


@pytest.mark.parametrize("n_dialogues", [2, 3])
def test_few_dialogues_are_counted_and_make_it_no_surer(n_dialogues):
    """Their utterances are left out one by one, but tell no more of other dialogues."""
    folds, trials = study(0)
    labels = folds["0"].labels
    few = ValidationLabels(labels, [str(row % n_dialogues) for row in range(N)])
    each = ValidationLabels(labels, [str(row) for row in range(N)])
    found, by_utterance = (
        correct_winner_score({"0": one}, trials, n_resamples=100) for one in (few, each)
    )
    assert (found.n_dialogues, by_utterance.n_dialogues) == (n_dialogues, N)
    assert found.value == pytest.approx(by_utterance.value, abs=0.02)
    assert found.half > 1.5 * by_utterance.half


@pytest.mark.parametrize("n_dialogues", [1, 3])
def test_with_few_dialogues_utterances_are_left_out(n_dialogues):
    folds, trials = study(0)
    one = ValidationLabels(folds["0"].labels, [str(row % n_dialogues) for row in range(N)])
    found = correct_winner_score({"0": one}, trials, n_resamples=100)
    assert found.interval.low < found.value < found.interval.high
    assert found.value == pytest.approx(0.6, abs=0.05)


def test_the_same_seed_gives_the_same_figure():
    folds, trials = study(3)
    assert correct_winner_score(folds, trials) == correct_winner_score(folds, trials)
