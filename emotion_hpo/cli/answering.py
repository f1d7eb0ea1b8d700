"""What `predict` and `serve` do and print: a final model, asked."""

import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_hpo.config import build
from emotion_hpo.config.commands import PredictCommand, ServeCommand
from emotion_hpo.console import output as screen
from emotion_hpo.console.output import echo
from emotion_hpo.errors import ConfigError, FeatureError, StudyError
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.study import check_writable, write_bytes, write_json

if TYPE_CHECKING:
    from emotion_hpo.predict import Predictor, Utterance


def predict(plain: Mapping[str, Any]) -> None:
    """Ask a model about one utterance, or about many."""
    command = build(PredictCommand, plain)
    sources = (command.wav, command.text, command.motion)
    if command.utterances is not None and any(source is not None for source in sources):
        raise ConfigError("give either utterances, or wav, text and motion of one utterance")
    is_empty = all(source is None for source in (*sources, command.utterances))
    if is_empty and not command.features:
        raise ConfigError("nothing to predict: give wav=FILE, text=WORDS, motion=FILE, features."
                          "NAME=FILE or several, or utterances=FOLDER_OR_TABLE")  # fmt: skip
    check_writable(command.output)
    from emotion_hpo.predict import Predictor, find_model

    path = find_model(command.model_file)
    predictor = Predictor.open(path)
    if command.utterances is None:
        _predict_one(command, predictor, path)
    else:
        _predict_many(command, predictor, path)


def _predict_one(command: PredictCommand, predictor: "Predictor", path: Path) -> None:
    utterance = _utterance(command)
    answer = predictor.answer([utterance])[0]
    if isinstance(answer, FeatureError):
        raise answer
    # What a library sets up at its first use is not the model's time.
    began = time.perf_counter()
    predictor.answer([utterance])
    took_s = time.perf_counter() - began
    shares = dict(zip(predictor.classes, answer.probabilities.tolist(), strict=True))
    screen.show_answer(shares, synthetic=predictor.synthetic)
    networks = format_count(predictor.n_networks, "network")
    echo(f"\n{path}: {networks} averaged, {1000 * took_s:.1f} ms for this utterance")
    given = _given_modalities(command)
    if missing := [key for key, modality in given.items() if modality not in answer.modalities]:
        screen.note(
            f"not used: {', '.join(missing)}, in which there is nothing that the model reads; the "
            f"answer is from {', '.join(answer.modalities)}"
        )
    if command.output is not None:
        write_json(command.output, {"model": str(path), "probabilities": shares,
                                    "modalities": list(answer.modalities),
                                    "latency_ms": 1000 * took_s})  # fmt: skip


def _given_modalities(command: PredictCommand) -> dict[str, str]:
    """Key → modality of what the command says of an utterance."""
    given = {"wav": "speech", "text": "text", "motion": "mocap"}
    keys = {key: name for key, name in given.items() if getattr(command, key) is not None}
    return keys | {f"features.{name}": name for name in command.features}


def _utterance(command: PredictCommand) -> "Utterance":
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
    return Utterance(text, samples, rate, motion, command.speaker, features)


def _predict_many(command: PredictCommand, predictor: "Predictor", path: Path) -> None:
    from emotion_hpo.predict import find_rows, predict_rows

    assert command.utterances is not None
    rows = find_rows(command.utterances, command.features)
    began = time.perf_counter()
    with screen.preparing("Asking") as on_progress:
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
    n_bad = int(table["error"].notna().sum())
    if n_bad:
        first = table.loc[table["error"].notna()].iloc[0]
        raise FeatureError(
            f"{n_bad} of {len(table)} utterances could not be used, each with its reason in the "
            f"column `error`; the first: {first['utterance_id']}: {first['error']}"
        )


def serve(plain: Mapping[str, Any]) -> None:
    """Answer requests with a final model until Ctrl-C."""
    command = build(ServeCommand, plain)
    from emotion_hpo.predict import find_model

    path = find_model(command.model_file)
    refuse_taken_port(command.port, "serve")
    from emotion_hpo.tracking.serving import serve as run

    echo(f"{path} on http://127.0.0.1:{command.port}/invocations (Ctrl-C ends it)")
    sys.stdout.flush()
    run(path, command.port)


def refuse_taken_port(port: int, target: str) -> None:
    """Say at once that a port is not to be had.

    Raises:
        StudyError: Something else listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StudyError(
                f"port {port} on 127.0.0.1 cannot be used ({error.strerror}); choose another with "
                f"port=PORT, or make {target} ARGS=port=PORT"
            ) from None
