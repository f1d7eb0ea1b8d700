"""A model card in Markdown (Mitchell et al., FAT* 2019): what a final model is, and how good.

Everything in it stands in the study's files; nothing is trained or scored for it.
"""

import re
from collections.abc import Iterator
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from emotion_hpo.config import SearchConfig
from emotion_hpo.config.turns_read import describe_turns_read
from emotion_hpo.features.extraction import source_of
from emotion_hpo.metrics import METRICS
from emotion_hpo.metrics.confidence_interval import NOT_ESTIMABLE, Interval
from emotion_hpo.metrics.formatting import format_interval, format_score
from emotion_hpo.report.breakdown import list_parts
from emotion_hpo.report.reading import read_findings
from emotion_hpo.report.scorings import list_scorings
from emotion_hpo.runtime.formatting import format_count, format_share
from emotion_hpo.splits.class_coverage import describe_missing_in_test
from emotion_hpo.study import FinalHome, StudyHome
from emotion_hpo.study.finals import find_final
from emotion_hpo.study.records.final_result import FinalResult

#: What Markdown would read as its own in a name.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")


#: Modality → what `predict` is given of it; of any other, ready-made features.
_ARGUMENTS = {"speech": "wav=a.wav", "text": 'text="so good to see you"', "mocap": "motion=a.npy"}


class _Code(str):
    """A text between backticks, where Markdown reads letters as they are."""

    __slots__ = ()


#: One row of a table: name, score, its interval, number of utterances.
_Row = tuple[str, str, str, int]


def model_card(home: StudyHome, name: str | None = None) -> tuple[FinalHome, str]:
    """Return a final model's files and its card.

    Args:
        home: The study.
        name: `trial_7`, `ensemble` or `baseline`; None: the one that was scored last.

    Raises:
        StudyError: There is no such study or final model.
    """
    findings = read_findings(home)
    path = find_final(home, name).path
    final = next(final for final in findings.finals if final.home.path == path)
    result, n_scorings = final.result, len(list_scorings(findings))
    text = _template().render(
        result=result,
        config=findings.config,
        summary=findings.summary,
        facts=findings.facts,
        use=_Code(_use(final.home, result, findings.config)),
        scores=list(_score_rows(result)),
        parts=list(_part_rows(result)),
        limits=list(list_limits(result, n_scorings)),
        n_scorings=n_scorings,
        expected=result.expected and format_score(findings.objective, result.expected.value),
    )
    return final.home, text


def escape(text: object) -> str:
    r"""Return a text in which Markdown sees letters alone.

    >>> escape("a_b|c")
    'a\\_b\\|c'
    """
    if isinstance(text, _Code):
        return text
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def _template() -> Template:
    environment = Environment(  # noqa: S701 (Markdown: `escape` does for it what HTML's would)
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        undefined=StrictUndefined, finalize=escape,
    )  # fmt: skip
    environment.filters |= {"share": format_share, "count": "{:,}".format}
    environment.filters |= {"counted": format_count, "code": _Code}
    return environment.from_string(files(__package__).joinpath("card.md.j2").read_text("utf-8"))


def _use(home: FinalHome, result: FinalResult, config: SearchConfig) -> str:
    """Return a line that asks the model, with all that it reads."""
    ready_made = getattr(config.corpus, "features", {})
    arguments = {
        name: f"features.{name}=a.npy" if name in ready_made else _ARGUMENTS.get(name)
        for name in (source_of(modality, ready_made) for modality in result.modalities)
    }
    given = " ".join(filter(None, arguments.values()))
    return f"emotion-hpo predict model={home.model.name} {given}"


def _score_rows(result: FinalResult) -> Iterator[_Row]:
    for name, (value, interval) in result.by_metric().items():
        yield _row(METRICS[name].label, name, value, interval, result.n_test)
    for name, recall in result.recall_by_class.items():
        yield _row(f"recall of {name}", "accuracy", recall.recall, recall.interval, recall.n)
    for name, (value, interval) in result.baseline.by_metric().items():
        if name in ("accuracy", "uar"):
            label = f"baseline: {METRICS[name].label}"
            yield _row(label, name, value, interval, result.n_test)


def _part_rows(result: FinalResult) -> Iterator[_Row]:
    for part in list_parts(result):
        yield _row(part.label, "accuracy", part.accuracy, part.interval, part.n)


def _row(label: str, metric: str, value: float | None, interval: Interval, n: int) -> _Row:
    ends = format_interval(interval, metric) if interval.ends else NOT_ESTIMABLE
    return label, format_score(metric, value), ends, n


def list_limits(result: FinalResult, n_scorings: int) -> Iterator[str]:
    """Yield what a user of the model must know beside its score."""
    if result.synthetic:
        yield "Trained and scored on synthetic data: no figure here says anything about people."
    if reading := describe_turns_read(result.turns_read):
        yield f"The model {reading}."
    if result.normalised_by_speaker:
        names = ", ".join(result.normalised_by_speaker)
        yield (
            f"{names}: scaled by each test speaker's own utterances, later ones too, without "
            "labels. A single utterance of a new speaker, and each turn of a dialogue that goes "
            "on, is scaled by the corpus almost alone and will do worse."
        )
    if n_scorings > 1:
        yield (
            f"The test session has been scored {n_scorings} times; the more often, the more "
            "the best score flatters."
        )
    if result.protocol_remark:
        yield result.protocol_remark
    yield from (overlap.sentence for overlap in result.overlaps)
    counts = {name: recall.n for name, recall in result.recall_by_class.items()}
    yield from describe_missing_in_test(counts, result.test_session)
    yield (
        f"The score is of {len(result.test_speakers)} speakers in one corpus; its interval says "
        "nothing about other speakers, languages, rooms or microphones."
    )
    yield (
        "It names what annotators heard in acted or recorded speech, not what a person feels. It "
        "is made for research, not for decisions about people."
    )
