"""Whatever stands in the release's text files: a reader returns, or says CorpusError."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emotion_hpo.corpus.faults import Fault, text_lines
from emotion_hpo.corpus.iemocap.evaluation import LABELS, read_turns
from emotion_hpo.corpus.iemocap.motion import read_frames, read_time_range
from emotion_hpo.corpus.iemocap.transcription import transcription
from emotion_hpo.errors import CorpusError

# Traced, these would take half as long again; what they run is traced elsewhere.
pytestmark = pytest.mark.no_cover

DIALOGUE = "Ses01F_impro01"
FUZZ = settings(
    max_examples=600,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def mutated(*fragments: bytes) -> st.SearchStrategy[bytes]:
    """Texts near the format: its own fragments, cut, repeated and mixed with anything."""
    piece = st.one_of(st.sampled_from(fragments), st.binary(max_size=4))
    return st.lists(piece, max_size=12).map(b"".join)


EVALUATION = mutated(
    b"[6.2901 - 8.2357]\t", b"[8.2357 - 6.2901]", b"Ses01F_impro01_F000", b"Ses01F_impro01_M001\t",
    b"\tneu\t", b"\tjoy\t", b"[2.5000, 2.5000, 2.5000]", b"[6.2901 - 8.2357]\tSes01F_impro01_F000",
    b"[1.0 - 2.0]\tSes01F_impro01_F002\tneu\t[2.5, 2.5, 2.5]", b"C-E2:\tNeutral;\t()",
    b"C-E4:\tSadness; Other;\t(worried)", b"A-E3:\tval 3; act 2; dom  2;\t()", b"A-F1:\tval ;",
    b"\n", b"\r\n", b"% [START_TIME", b"\t", b"9" * 400, b"\xff", b"\x00",
)  # fmt: skip
TRANSCRIPT = mutated(
    b"Ses01F_impro01_F000 [006.2901-008.2357]: Words of the turn.", b"Ses01F_impro01_FXX0",
    b" [", b"]", b": ", b"F: [LAUGHTER]", b"M:Words", b"\n", b"\r\n", b"\xe9", b"\x85", b"Ses01F",
)  # fmt: skip
MOTION = mutated(
    b"1 0.00834 1.5 2.5\r\n", b"2 0.01667 NaN 2.5\n", b"3 0.02500 1.5\n", b"4 NaN 1 2\n", b" ",
    b"\n", b"\r\n", b"inf", b"1e999", b"-", b"nan ", b"5 0.033 1 2 \n", b"\x00", b'"', b"1_0",
)  # fmt: skip

#: Of UTF-16 and UTF-32: what follows may not be of it.
MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / f"{DIALOGUE}.txt"


@FUZZ
@given(content=EVALUATION)
def test_evaluation(file, content):
    file.write_bytes(content)
    faults: list[Fault] = []
    try:
        turns = read_turns(text_lines(file, faults), file, DIALOGUE, faults)
    except CorpusError:
        comes_again = content.count(b"_F00") + content.count(b"_M00") > 1
        assert comes_again or content.startswith(MARKS), "nothing else is refused"
        return
    for turn in turns:
        assert turn.label in LABELS
        assert 0 <= turn.start_s < turn.end_s < np.inf
        assert turn.utterance_id.startswith(DIALOGUE)
    assert all("line " in fault.place for fault in faults)


@FUZZ
@given(content=TRANSCRIPT)
def test_transcript(file, content):
    file.write_bytes(content)
    faults: list[Fault] = []
    try:
        transcript = transcription(text_lines(file, faults), file, DIALOGUE, faults)
    except CorpusError:
        assert content.startswith(MARKS), "nothing else is refused"
        return
    assert all(words.strip() for words in transcript.words.values())
    n_lines = sum(bool(text.strip()) for _, text in text_lines(file, []))
    assert len(transcript.words) + transcript.n_untimed <= n_lines


@FUZZ
@example(body=b"\r1 0.00834 1.5 2.5\r\n", header=b"a\n")  # a line to one reader, none to the other
@given(body=MOTION, header=st.sampled_from([b"a\nb\n", b"a\r\nb\r\n", b"a\n", b""]))
def test_motion(file, body, header):
    file.write_bytes(header + body)
    try:
        span = read_time_range(file, 2)
        (cut,) = read_frames(file, 2, np.array([[0.0, 10.0]]))
    except CorpusError:
        return
    assert cut.shape[1] == 2
    assert cut.dtype == np.float32
    assert span is not None or not len(cut)
