"""A saved model as an ONNX file: features in, probabilities out, without this program.

The networks are traced (`onnx_graph`) by PyTorch's exporter of TorchScript, which keeps lengths
open and the decoder's loop a loop; the newer one takes twenty times as long and unrolls it. What
has been written answers random utterances as the networks do, or it is refused.
"""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emotion_hpo.errors import StudyError, missing_extra
from emotion_hpo.predict.onnx_graph import Graph
from emotion_hpo.predict.onnx_inputs import (
    DEVIATION,
    MEAN,
    SPEAKER,
    GraphInput,
    is_scaled_by_speaker,
    list_inputs,
)
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.onnx_session import open_session
from emotion_hpo.study import write_bytes
from emotion_hpo.training.network_learner import NetworkLearner

#: Of ONNX's operators; that of 2022, which every runtime of today reads.
OPSET = 18

#: How far a probability may be from PyTorch's.
TOLERANCE = 1e-4

#: Batches of random utterances by which a file is checked: more of them have found nothing more.
_N_CHECKS = 6

Inputs = dict[str, NDArray[Any]]


def write_onnx(saved_model: SavedModel, path: Path) -> float:
    """Write a model's networks; return how far the file's probabilities are from theirs, at most.

    Raises:
        ConfigError: The packages for it are not installed.
        StudyError: The model is not made of networks, or its file answers otherwise.
    """
    graph = build_graph(saved_model)
    content = _with_metadata(_trace(graph, list_inputs(saved_model.preprocessor)), saved_model)
    difference = _check(graph, saved_model, content)
    if not difference <= TOLERANCE:
        raise StudyError(
            f"the ONNX file of {_describe(saved_model)} would answer otherwise than the model: "
            f"probabilities differ by up to {difference:.2g}, so it was not written"
        )
    write_bytes(path, content)
    return difference


def build_graph(saved_model: SavedModel) -> Graph:
    """Build what is traced.

    Raises:
        StudyError: The model is not made of networks.
    """
    networks = []
    for learner in saved_model.build_learners():
        if not isinstance(learner, NetworkLearner):
            raise StudyError(
                f"{_describe(saved_model)} has no ONNX file: it is scikit-learn's, and reads "
                "sparse counts of words and tables of statistics; networks alone are exported"
            )
        networks.append(learner.network.cpu())
    return Graph(saved_model.preprocessor, networks).eval()


def draw_inputs(saved_model: SavedModel, seed: int, n: int | None = None) -> Inputs:
    """Draw utterances of random lengths, some values lost and some modalities missing."""
    generator = np.random.default_rng(seed)
    shapes = saved_model.preprocessor.shapes()
    rows = int(generator.integers(1, 7)) if n is None else n
    inputs: Inputs = {}
    for each in list_inputs(saved_model.preprocessor):
        modality = each.name.removesuffix(MEAN).removesuffix(DEVIATION)
        longest = shapes[modality].max_length if modality in shapes else 1
        steps = int(generator.integers(1, longest + 1))
        size = [{"utterances": rows}.get(str(axis), steps) if isinstance(axis, str) else axis
                for axis in each.axes]  # fmt: skip
        if each.name == SPEAKER:
            inputs[each.name] = generator.integers(-1, 2, size)
        elif each.is_number:
            n_tokens = shapes[each.name].n_tokens or 2
            lengths = generator.integers(0, steps + 1, (rows, 1))
            tokens = generator.integers(1, n_tokens, size)
            inputs[each.name] = np.where(np.arange(steps) < lengths, tokens, 0)
        else:
            values = generator.normal(size=size).astype(np.float32)
            if each.name in shapes:
                lost = (
                    generator.random(size[:-1])
                    < generator.choice([0, 0.3, 1.0], size=rows)[:, *[None] * (len(size) - 2)]
                )
                values[lost] = np.nan
            inputs[each.name] = np.abs(values) + 0.5 if each.name.endswith(DEVIATION) else values
    return inputs


def run_session(session: Any, inputs: Inputs) -> NDArray[np.float32]:  # noqa: ANN401 (ONNX Runtime's own)
    """Return the probabilities of a file; inputs that it does not look at are left out."""
    names = [each.name for each in session.get_inputs()]
    (probabilities,) = session.run(None, {name: inputs[name] for name in names})
    return np.asarray(probabilities, np.float32)


def _trace(graph: Graph, inputs: list[GraphInput]) -> bytes:
    """Return the content of a file without metadata.

    Raises:
        ConfigError: The package `onnx` is not installed.
        StudyError: The networks hold what cannot be written.
    """
    _import_onnx()
    buffer = io.BytesIO()
    try:
        with _exporter(), torch.no_grad():
            torch.onnx.export(
                graph,
                tuple(each.example() for each in inputs),
                buffer,  # type: ignore[arg-type] # the older way takes one
                dynamo=False,
                opset_version=OPSET,
                input_names=[each.name for each in inputs],
                output_names=["probabilities"],
                dynamic_axes={each.name: each.dynamic_axes for each in inputs}
                | {"probabilities": {0: "utterances"}},
            )
    except RuntimeError as error:  # an operator that ONNX lacks, among others
        reason = " ".join(str(error).split())[:200]
        raise StudyError(f"PyTorch cannot write these networks as ONNX: {reason}") from None
    return buffer.getvalue()


@contextmanager
def _exporter() -> Iterator[None]:
    """Add an operator that PyTorch's exporter lacks, and silence what it says of every trace.

    That is: it is the older way, and sizes might be held. Which are, the check finds.
    """
    register, unregister = (
        getattr(torch.onnx, f"{prefix}register_custom_op_symbolic") for prefix in ("", "un")
    )
    register("aten::asinh", _asinh, OPSET)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
            unregister("aten::asinh", OPSET)


def _asinh(graph: Any, value: Any) -> Any:  # noqa: ANN401 (PyTorch's own; it knows no asinh)
    return graph.op("Asinh", value)


def _with_metadata(content: bytes, saved_model: SavedModel) -> bytes:
    """Return the same with what a user of the file must know, as JSON by name."""
    onnx = _import_onnx()
    preprocessor = saved_model.preprocessor
    facts: dict[str, object] = {
        "classes": list(saved_model.classes),
        "synthetic": saved_model.synthetic,
    }
    if preprocessor.vocabulary is not None:
        facts["words"] = list(preprocessor.vocabulary.words)
    for name, reader in preprocessor.readers.items():
        if is_scaled_by_speaker(saved_model.preprocessor, name) and reader.corpus is not None:
            facts[name + MEAN] = reader.corpus.mean.tolist()
            facts[name + DEVIATION] = reader.corpus.deviation.tolist()
    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, {key: json.dumps(fact) for key, fact in facts.items()})
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def _check(graph: Graph, saved_model: SavedModel, content: bytes) -> float:
    """Return how far the file's probabilities are from the graph's, at most."""
    try:
        session = open_session(content, 1)
    except ImportError:
        raise missing_extra("format=onnx", "onnxruntime", "onnx") from None
    differences = []
    for seed in range(_N_CHECKS):
        inputs = draw_inputs(saved_model, seed)
        with torch.inference_mode():
            expected = graph(*map(torch.from_numpy, inputs.values())).numpy()
        probabilities = run_session(session, inputs)
        differences.append(float(np.abs(probabilities - expected).max()))
    return float(np.max(differences))  # of which one that is no number is the result


def _import_onnx() -> Any:  # noqa: ANN401 (a module)
    try:
        import onnx
    except ImportError:
        raise missing_extra("format=onnx", "onnx", "onnx") from None
    return onnx


def _describe(saved_model: SavedModel) -> str:
    model = saved_model.config.model
    return f"model {model.name!r} (learner={getattr(model, 'learner', 'network')})"
