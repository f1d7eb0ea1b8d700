"""`emotion-hpo predict`: class probabilities of one utterance, of many, or turn by turn."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from emotion_hpo.config.base import Section
from emotion_hpo.console.answer import show_answer
from emotion_hpo.console.output import echo, note
from emotion_hpo.console.progress import preparing
from emotion_hpo.errors import ConfigError, FeatureError
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import check_writable, write_bytes, write_json

if TYPE_CHECKING:
    from emotion_hpo.predict import Dialogue, Predictor, Utterance


class PredictCommand(Section):
    """`emotion-hpo predict`."""

    model_file: Path = Field(
        description="a model.pt, or a folder above some, of which the latest is taken"
    )
    wav: Path | None = Field(description="recording of the utterance")
    text: str | None = Field(description="its words")
    motion: Path | None = Field(description="its motion capture, a .npy of (frames, 189)")
    features: Mapping[str, Path] = Field(
        description="modality to ready-made features, as in training: .npy of the utterance, or "
        "of all `utterances` as corpus.features takes it"
    )
    speaker: str = Field(
        description="who speaks, where the model scales by speaker or reads dialogues"
    )
    dialogue: Path | None = Field(
        description="file of what was said before, of a model that reads the turns before: the "
        "utterance is the next turn, and is added; a new file begins a dialogue"
    )
    start_s: float | None = Field(
        ge=0, allow_inf_nan=False, description="when the turn starts, in seconds of its dialogue"
    )
    end_s: float | None = Field(ge=0, allow_inf_nan=False, description="when it ends")
    utterances: Path | None = Field(
        description="many instead: a folder of .wav files, or a .csv, .tsv or .parquet table"
    )
    output: Path | None = Field(description="write the answer there: CSV of many, JSON of one")


def run(command: PredictCommand) -> None:
    """Print a model's answer on one utterance, or on many."""
    sources = (command.wav, command.text, command.motion)
    if command.utterances is not None and any(source is not None for source in sources):
        raise ConfigError("give either utterances, or wav, text and motion of one utterance")
    is_empty = all(source is None for source in (*sources, command.utterances))
    if is_empty and not command.features:
        raise ConfigError("nothing to predict: give wav=FILE, text=WORDS, motion=FILE, features."
                          "NAME=FILE or several, or utterances=FOLDER_OR_TABLE")  # fmt: skip
    if command.dialogue is None and (command.start_s, command.end_s) != (None, None):
        raise ConfigError("start_s and end_s are those of a turn; give dialogue=FILE, too")
    if command.dialogue is not None and command.utterances is not None:
        raise ConfigError(
            "dialogue=FILE is read turn by turn; the turns of a table are read together where it "
            "has the columns dialogue, speaker and turn or start_s, so leave dialogue out"
        )
    check_writable(command.output)
    from emotion_hpo.predict import Predictor, find_model

    path = find_model(command.model_file)
    predictor = Predictor.open(path)
    if command.utterances is None:
        _predict_one(command, predictor, path)
    else:
        _predict_many(command, predictor, path)


def _predict_one(command: PredictCommand, predictor: "Predictor", path: Path) -> None:
    """Print the answer on the utterance that the command describes."""
    from emotion_hpo.predict import READINGS

    utterance = _read_utterance(command)
    dialogue = None
    if command.dialogue is None:
        answer = predictor.answer([utterance])[0]
        if isinstance(answer, FeatureError):
            raise answer
    else:
        before = _open_dialogue(command.dialogue, predictor)
        answer, dialogue = predictor.answer_next(utterance, before)
        write_bytes(command.dialogue, dialogue.to_text().encode())
    # What a library sets up at its first use is not the model's time.
    began = time.perf_counter()
    predictor.answer([utterance]) if dialogue is None else predictor.answer_next(utterance, before)
    took_s = time.perf_counter() - began
    probabilities = dict(zip(predictor.classes, answer.probabilities.tolist(), strict=True))
    show_answer(probabilities, synthetic=predictor.synthetic)
    parts = f"{format_count(predictor.n_networks, 'training')} averaged"
    if predictor.n_members > 1:
        parts = f"{predictor.n_members} models combined, {parts}"
    echo(f"\n{path}: {parts}, {1000 * took_s:.1f} ms for this utterance")
    if predictor.reads:
        echo(f"{path}: {READINGS[predictor.reads]}")
    if dialogue is not None:
        echo(f"{command.dialogue}: {format_count(len(dialogue.turns), 'turn')}, with this one")
        if predictor.unheard([command.speaker]):
            note(
                f"{command.speaker}: not a voice that the model learnt, so that this turn alone "
                "tells how to scale it; in a table all turns of a speaker do"
            )
    given = _given_modalities(command)
    if missing := [key for key, modality in given.items() if modality not in answer.modalities]:
        note(
            f"not used: {', '.join(missing)}, in which there is nothing that the model reads; the "
            f"answer is from {', '.join(answer.modalities)}"
        )
    if command.output is not None:
        write_json(command.output, {"model": str(path), "probabilities": probabilities,
                                    "modalities": list(answer.modalities),
                                    "reads": predictor.reads,
                                    "latency_ms": 1000 * took_s})  # fmt: skip


def _open_dialogue(path: Path, predictor: "Predictor") -> "Dialogue":
    """Read what was said before; nothing, where there is no such file yet.

    Raises:
        FeatureError: The model keeps no dialogue, or the file holds none of its.
        StudyError: It could not be written.
    """
    dialogue = predictor.begin()
    check_writable(path, "dialogue")
    if not path.exists():
        return dialogue
    try:
        return dialogue.continued(path.read_text("utf-8", errors="replace"))
    except FeatureError as error:
        raise FeatureError(f"{path}: {error}") from None
    except OSError as error:
        raise FeatureError(f"{path} cannot be read: {error.strerror}") from None


def _given_modalities(command: PredictCommand) -> dict[str, str]:
    """Return key → modality of what the command gives of an utterance."""
    given = {"wav": "speech", "text": "text", "motion": "mocap"}
    keys = {key: name for key, name in given.items() if getattr(command, key) is not None}
    return keys | {f"features.{name}": name for name in command.features}


def _read_utterance(command: PredictCommand) -> "Utterance":
    """Read the files of one utterance."""
    from emotion_hpo.predict import Utterance, read_features, read_motion, read_sound, read_text

    samples, rate = None, 16_000
    if command.wav is not None:
        samples, rate = read_sound(command.wav, str(command.wav))
    text = None if command.text is None else read_text(command.text, "text")
    motion = None if command.motion is None else read_motion(command.motion, str(command.motion))
    features = {
        name: read_features(path, f"features.{name}: {path}")
        for name, path in command.features.items()
    }
    start_s, end_s, speaker = command.start_s, command.end_s, command.speaker
    return Utterance(text, samples, rate, motion, speaker, features, start_s=start_s, end_s=end_s)


def _predict_many(command: PredictCommand, predictor: "Predictor", path: Path) -> None:
    """Write a table of answers on all utterances of a folder or a table."""
    from emotion_hpo.dataset.scaling import UNKNOWN_SPEAKER
    from emotion_hpo.predict import READINGS, find_rows, missing_sources, predict_rows

    assert command.utterances is not None
    rows = find_rows(command.utterances, command.features)
    if missing := missing_sources(rows, predictor.columns):
        lacking = ", ".join(missing)
        note(f"{command.utterances}: no utterance has {lacking}, which the model reads, too")
    is_named = command.speaker != UNKNOWN_SPEAKER or any("speaker" in row.cells for row in rows)
    if predictor.scales_by_speaker and not is_named:
        note(f"{command.utterances}: scaled as one speaker's: give a table with `speaker`")
    began = time.perf_counter()
    with preparing("Predicting") as on_progress:
        table = predict_rows(
            predictor,
            rows,
            lambda done, total: on_progress(done, total, "utterances"),
            command.speaker,
        )
    took_s = time.perf_counter() - began
    text = table.to_csv(index=False, float_format="%.6f")
    output = command.output
    if output is None:
        sys.stdout.write(text)
    else:
        write_bytes(output, text.encode())
        mark = " (model trained on synthetic data)" if predictor.synthetic else ""
        echo(f"{output}: {len(table)} utterances, {len(table) / took_s:.0f} a second, "
            f"by {path}{mark}")  # fmt: skip
    if predictor.reads:
        note(f"{path}: {READINGS[predictor.reads]}")
    n_bad = int(table["error"].notna().sum())
    if n_bad:
        first = table.loc[table["error"].notna()].iloc[0]
        raise FeatureError(
            f"{n_bad} of {len(table)} utterances could not be used, each with its reason in the "
            f"column `error`; the first: {first['utterance_id']}: {first['error']}"
        )
