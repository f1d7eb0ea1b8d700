"""What `normalise: auto` becomes, by who speaks where and how much."""

import pandas as pd
import pytest

from emotion_hpo.config import Range
from emotion_hpo.dataset import resolve_normalise
from emotion_hpo.dataset.normalising import describe_speaker_scaling
from tests.pipeline import compose_config


def table(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """A table of utterances: session, speaker, how many."""
    parts = [pd.DataFrame({"session": [s] * n, "speaker": [name] * n}) for s, name, n in rows]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([("1", "a", 8), ("1", "b", 9), ("2", "c", 20)], "speaker", id="apart"),
        pytest.param([("1", "a", 8), ("2", "b", 7)], "corpus", id="too few of one"),
        pytest.param([("1", "a", 50), ("2", "a", 50), ("2", "b", 50)], "corpus", id="in both"),
        pytest.param([("1", "a", 50), ("1", "b", 50)], "corpus", id="one session tells nothing"),
    ],
)
def test_auto_becomes(rows, expected):
    features = resolve_normalise(compose_config().features, table(*rows), ())
    assert dict(features.normalisation) == dict.fromkeys(
        ("speech", "functionals", "mocap"), expected
    )


def test_what_is_said_stays_and_ready_made_features_get_a_section():
    features = compose_config("features.speech.normalise=none", "+features.video.normalise=corpus")
    apart = table(("1", "a", 9), ("2", "b", 9))
    resolved = resolve_normalise(features.features, apart, ("speech", "video", "gaze"))
    assert dict(resolved.normalisation) == {
        "speech": "none",
        "functionals": "speaker",
        "mocap": "speaker",
        "video": "corpus",
        "gaze": "speaker",
    }
    assert resolve_normalise(resolved, table(("1", "a", 1)), ("video",)) == resolved


def test_the_papers_features_have_nothing_to_decide():
    paper = compose_config("study=paper").features
    assert set(paper.normalisation.values()) == {"corpus"}
    assert resolve_normalise(paper, table(("1", "a", 9), ("2", "b", 9)), ()) == paper


def test_that_test_utterances_are_read_is_said():
    features = compose_config("study=paper").features
    assert describe_speaker_scaling(features, {}, ("text", "speech")) == []
    by_speaker = features.with_normalisation({"speech": "speaker"})
    assert describe_speaker_scaling(by_speaker, {}, ("text", "mocap")) == []
    (line,) = describe_speaker_scaling(by_speaker, {}, ("text", "speech"))
    assert line.startswith("speech: ")
    assert "Those of a test speaker are read for it, without their labels" in line
    space = {"features.mocap.normalise": Range(choices=("corpus", "speaker"))}
    (line,) = describe_speaker_scaling(features, space, ("mocap",))
    assert line.startswith("mocap: ")
