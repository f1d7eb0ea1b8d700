"""What `prepare` shows of a corpus: its utterances, what it lacks, what is wrong with its files."""

from collections.abc import Iterator, Mapping

from rich.table import Column, Table

from emotion_hpo.console.output import echo, open_console
from emotion_hpo.runtime.formatting import format_duration
from emotion_hpo.study.records.prepared_corpus import Dialogues, FaultsOfAKind, PreparedCorpus


def show_corpus(corpus: PreparedCorpus) -> None:
    """Print what a corpus holds, what it lacks and what is wrong with its files."""
    by_session = corpus.n_by_session_emotion
    classes = list(next(iter(by_session.values())))
    mark = " (synthetic)" if corpus.synthetic else ""
    table = Table(
        Column("session", overflow="fold"),
        title=f"Corpus {corpus.corpus}{mark}",
        title_justify="left",
    )
    for heading in (*classes, "all"):
        table.add_column(heading, justify="right", overflow="fold")
    for session, counts in by_session.items():
        table.add_row(session, *(str(counts[name]) for name in classes), str(sum(counts.values())))
    open_console().print(table, soft_wrap=True)
    for line in (*_content_lines(corpus), *corpus.remarks, *fault_lines(corpus.faults)):
        echo(line)
    echo(
        f"prepared in {format_duration(corpus.seconds)}, with at most "
        f"{corpus.peak_memory_mb:,} MB of memory"
    )


def _content_lines(corpus: PreparedCorpus) -> Iterator[str]:
    """Yield the lines on durations, modalities, words and lost motion."""
    durations = corpus.durations
    times = ""
    if durations.hours is not None:
        times = (
            f", {durations.hours:.2f} h; median {durations.median_s:.1f} s, "
            f"95 % within {durations.p95_s:.1f} s, longest {durations.max_s:.1f} s"
        )
    yield f"{corpus.n_utterances} utterances{times}"
    yield from _dialogue_lines(corpus.dialogues)
    modalities = ", ".join(f"{name} {n}" for name, n in corpus.n_by_modality.items())
    yield f"with {modalities}; {corpus.n_words} words of {corpus.n_word_types} types"
    if lacking := [f"{name} {n}" for name, n in corpus.missing.items() if n]:
        yield f"without {', '.join(lacking)}"
    if (without := corpus.words_without_vectors) and without.n_types:
        yield (
            f"words without vectors: {without.n_types} types, {without.n_words} words, such "
            f"as {', '.join(without.first)}"
        )
    if corpus.motion_lost:
        lost = ", ".join(
            f"{session} {100 * share:.1f} %" for session, share in corpus.motion_lost.items()
        )
        yield f"motion lost, by session: {lost}"


def _dialogue_lines(dialogues: Dialogues | None) -> Iterator[str]:
    """Yield a line on the turns of dialogues, if there are any.

    >>> counts = {"n_turns": 9, "n_dialogues": 2, "n_labelled": 5, "n_followed": 7}
    >>> gaps = {"n_overlapping": 5, "median_gap_s": -0.44, "p95_gap_s": 1.3}
    >>> list(_dialogue_lines(Dialogues(**counts, **gaps)))
    ['9 turns in 2 dialogues, 5 of them labelled; 71 % overlap the turn before (median gap -0.4 s, \
95 % up to 1.3 s)']
    """
    if dialogues is None:
        return
    gaps = ""
    if dialogues.n_followed:
        share = dialogues.n_overlapping / dialogues.n_followed
        gaps = (
            f"; {100 * share:.0f} % overlap the turn before (median gap "
            f"{dialogues.median_gap_s:.1f} s, 95 % up to {dialogues.p95_gap_s:.1f} s)"
        )
    n_turns, n_labelled = dialogues.n_turns, dialogues.n_labelled
    labelled = "all" if n_labelled == n_turns else f"{n_labelled:,} of them"
    yield f"{n_turns:,} turns in {dialogues.n_dialogues:,} dialogues, {labelled} labelled{gaps}"


def fault_lines(faults: Mapping[str, FaultsOfAKind]) -> Iterator[str]:
    """Yield each kind of fault with its first places.

    >>> list(fault_lines({"missing wav": FaultsOfAKind(n=2, first=("a.wav",))}))
    ['fault: missing wav (2)', '  a.wav', '  … and 1 more']
    """
    for kind, entry in faults.items():
        yield f"fault: {kind} ({entry.n})"
        yield from (f"  {place}" for place in entry.first)
        if (more := entry.n - len(entry.first)) > 0:
            yield f"  … and {more} more"
