"""What people have, read or refused in one line; and which model they mean."""

import io
import os

import numpy as np
import pytest
import soundfile

from emotion_hpo.errors import FeatureError, StudyError
from emotion_hpo.predict import find_model, read_motion, read_sound, read_text
from emotion_hpo.study.records.base import write_record
from tests.corpus.test_sound import TONE, N, flac
from tests.records import final_result


def wav(path, samples, rate=16_000):
    soundfile.write(path, samples, rate, format="WAV")
    return path


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_any_rate_and_any_number_of_channels(tmp_path, rate, n_channels):
    both = np.full((rate, n_channels), 0.25) * np.linspace(0, 2, n_channels + 2)[1:-1]
    samples, read_rate = read_sound(wav(tmp_path / "a.wav", both, rate), "a.wav")
    assert (samples.shape, read_rate) == ((rate,), rate)
    np.testing.assert_allclose(samples, 0.25, atol=1e-4)


def test_a_part_of_a_recording(tmp_path):
    path = wav(tmp_path / "a.wav", np.arange(16_000) / 32_768)
    samples, _ = read_sound(path, "a.wav", 0.25, 0.5)
    np.testing.assert_allclose(samples * 32_768, np.arange(4000, 8000), atol=1)


def test_bytes_are_read_as_files_are(tmp_path):
    path = wav(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 1000))
    from_file, _ = read_sound(path, "a")
    from_bytes, _ = read_sound(io.BytesIO(path.read_bytes()), "a")
    np.testing.assert_array_equal(from_file, from_bytes)


@pytest.mark.parametrize("opened", [lambda path: path, lambda path: io.BytesIO(path.read_bytes())])
def test_a_header_is_believed_as_far_as_it_can_be_true(tmp_path, opened):
    stream = opened(flac(tmp_path / "stream.flac", n_claimed=0))
    samples, rate = read_sound(stream, "stream")
    np.testing.assert_allclose(samples, TONE, atol=1e-4)
    assert rate == N
    part, _ = read_sound(opened(tmp_path / "stream.flac"), "stream", 0.25, 0.5)
    np.testing.assert_allclose(part, TONE[4000:8000], atol=1e-4)
    for n_claimed in (100_000, 2**36 - 1):
        path = flac(tmp_path / "cut.flac", n_claimed)
        with pytest.raises(FeatureError, match=r"ends after 1\.00 s, where its header says"):
            read_sound(opened(path), "cut")


def test_a_long_stream_is_read_no_further_than_an_utterance_may_reach(tmp_path):
    soundfile.write(tmp_path / "long.flac", np.zeros(301 * 8000), 8000)
    content = bytearray((tmp_path / "long.flac").read_bytes())
    content[21:26] = bytes([content[21] & 0xF0, 0, 0, 0, 0])  # as written into a pipe
    (tmp_path / "long.flac").write_bytes(content)
    with pytest.raises(FeatureError, match=r"lasts more than 300 s, an utterance at most 300 s"):
        read_sound(tmp_path / "long.flac", "long")
    assert len(read_sound(tmp_path / "long.flac", "long", 300.0)[0]) == 8000


def two_hours(path):
    """A header that promises two hours; the file is sparse, and nobody may read it whole."""
    wav(path, np.zeros(1))
    n_bytes = 2 * 3600 * 16_000 * 2
    with path.open("r+b") as file:
        file.seek(4)
        file.write((36 + n_bytes).to_bytes(4, "little"))
        file.seek(40)
        file.write(n_bytes.to_bytes(4, "little"))
        file.truncate(44 + n_bytes)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path, "no such file"),
        (lambda path: path.mkdir() or path, "a folder, not a file; .* take utterances="),
        (lambda path: path.write_bytes(b"RIFF no sound") and path, "is not a WAV file"),
        (lambda path: path.write_bytes(b"") or path, "is not a WAV file"),
        (lambda path: wav(path, np.zeros(0)), "has no samples"),
        (two_hours, "lasts 7,200 s, an utterance at most 300 s; cut it"),
        (lambda path: path / ("a" * 5000), "File name too long"),
    ],
    ids=["no file", "a folder", "no wav", "empty file", "no samples", "two hours", "a long name"],
)
def test_what_is_no_utterance_is_refused(tmp_path, make, message):
    with pytest.raises(FeatureError, match=message):
        read_sound(make(tmp_path / "a.wav"), "a.wav")


def test_words():
    assert read_text("hello there", "text") == "hello there"
    with pytest.raises(FeatureError, match="the text has 10,000 words, an utterance at most 2,000"):
        read_text("word " * 10_000, "text")


def test_motion(tmp_path):
    path = tmp_path / "m.npy"
    np.save(path, np.zeros((5, 189)))
    assert read_motion(path, "m.npy").dtype == np.float32
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(FeatureError, match="not a NumPy file"):
        read_motion(path, "m.npy")
    with pytest.raises(FeatureError, match="no such file"):
        read_motion(tmp_path / "x.npy", "x.npy")


def test_the_latest_model_below_a_folder(tmp_path):
    with pytest.raises(StudyError, match=r"holds no model\.pt"):
        find_model(tmp_path)
    with pytest.raises(StudyError, match="is no folder"):
        find_model(tmp_path / "nowhere")
    old, new = (tmp_path / name / "final" / "trial_1" / "model.pt" for name in ("a", "b"))
    for hour, path in enumerate((old, new)):
        path.parent.mkdir(parents=True)
        path.touch()
        result = path.with_name("result.json")
        write_record(result, final_result(scored_at=f"2026-01-01T0{hour}:00:00.5+00:00"))
        os.utime(result, (2e9 - hour, 2e9 - hour))  # a copy's times say nothing
    assert find_model(tmp_path) == new
    assert find_model(tmp_path / "a") == find_model(old.parent) == find_model(old) == old


def test_the_default_that_a_model_was_held_against_answers_only_if_named(tmp_path):
    """`final` trains it last; it is not what was scored."""
    scored, default = (tmp_path / "final" / f"trial_{n}" / "model.pt" for n in (3, 0))
    for path in (scored, default):
        path.parent.mkdir(parents=True)
        path.touch()
    with pytest.raises(StudyError, match=r"none that was scored; name one, such as model="):
        find_model(tmp_path)
    scored.with_name("result.json").touch()
    os.utime(default, (2e9, 2e9))
    assert find_model(tmp_path) == scored
    assert find_model(default.parent) == default


@pytest.mark.parametrize(
    ("start_s", "end_s", "message"),
    [
        (-0.5, None, "a.wav: start_s=-0.5 lies before the recording"),
        (float("nan"), None, "start_s=nan lies before the recording"),
        (0.5, 0.25, "end_s=0.25 is not after start_s=0.5"),
        (0.5, 0.5, "end_s=0.5 is not after start_s=0.5"),
        (1.0, None, "start_s=1 lies behind the recording of 1 s"),
        (float("inf"), None, "end_s=inf is not after start_s=inf"),
        (0.1, 0.10001, "there is no sample"),
    ],
)
def test_a_part_that_is_none_is_refused(tmp_path, start_s, end_s, message):
    path = wav(tmp_path / "a.wav", np.zeros(16_000))
    with pytest.raises(FeatureError, match=message):
        read_sound(path, "a.wav", start_s, end_s)


def test_an_endless_part_ends_with_the_recording(tmp_path):
    path = wav(tmp_path / "a.wav", np.zeros(16_000))
    assert len(read_sound(path, "a.wav", 0.0, float("inf"))[0]) == 16_000


def huge(path):
    """A file whose head promises 10^11 rows."""
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000000000, 189), }"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)


@pytest.mark.parametrize(
    "values", [np.zeros((5, 189), complex), np.full((5, 189), "1"), np.zeros((5, 189), bool)]
)
def test_motion_is_of_real_numbers(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(FeatureError, match="is not a NumPy file"):
        read_motion(tmp_path / "a.npy", "a.npy")


@pytest.mark.parametrize(
    "make",
    [huge, lambda path: path.write_bytes(b"PK\x03\x04 no archive"), lambda path: path.touch()],
    ids=["huge", "no archive", "empty"],
)
def test_motion_that_is_none_is_refused(tmp_path, make):
    make(tmp_path / "a.npy")
    with pytest.raises(FeatureError, match="is not a NumPy file"):
        read_motion(tmp_path / "a.npy", "a.npy")
