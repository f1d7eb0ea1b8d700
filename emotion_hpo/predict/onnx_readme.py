"""The page beside an ONNX file: ten lines that use it, and what each input is."""

import json
from collections.abc import Iterator
from pathlib import Path

from emotion_hpo.config.features import TEXT_FACTORS
from emotion_hpo.features.origin import Extraction
from emotion_hpo.predict.onnx_inputs import (
    DEVIATION,
    GAP_S,
    MEAN,
    SPEAKER,
    GraphInput,
    is_scaled_by_speaker,
    list_inputs,
)
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.runtime.formatting import format_count
from emotion_hpo.runtime.onnx_session import open_session
from emotion_hpo.study import write_bytes

_HEAD = """\
# {name}: features → probabilities

{synthetic}`{name}` gives the probabilities of {classes}, the mean over {networks}, in any
runtime of ONNX. On random utterances it is within {difference:.0e} of PyTorch's float32.

```python
import json

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("{name}")
metadata = session.get_modelmeta().custom_metadata_map
facts = {{key: json.loads(fact) for key, fact in metadata.items()}}
{words}inputs = {{
{inputs}
}}
(probabilities,) = session.run(["probabilities"], inputs)
print(dict(zip(facts["classes"], probabilities[0].tolist())))
```

| input | shape | type | what it is |
|---|---|---|---|
{rows}

{notes}
"""

_WORDS = 'number_of = {word: number for number, word in enumerate(facts["words"], start=2)}\n'
_TOKENS = 'np.array([[number_of.get(word, 1) for word in "so good to see you".split()]])'


def write_readme(saved_model: SavedModel, path: Path, difference: float) -> Path:
    """Write the page beside a file; return where.

    Args:
        saved_model: What was written.
        path: The ONNX file.
        difference: How far its probabilities are from the networks', at most.
    """
    readme = path.with_name(f"{path.stem}_README.md")
    write_bytes(readme, _describe(saved_model, path, difference).encode())
    return readme


def _describe(saved_model: SavedModel, path: Path, difference: float) -> str:
    read_names = {each.name for each in open_session(path, 1).get_inputs()}
    inputs = [each for each in list_inputs(saved_model.preprocessor) if each.name in read_names]
    lines = [f'    "{each.name}": {_example(each)},' for each in inputs]
    rows = [f"| `{each.name}` | {_shape(each)} | {'int64' if each.is_number else 'float32'} | "
            f"{_meaning(saved_model, each)} |" for each in inputs]  # fmt: skip
    return _HEAD.format(
        name=path.name,
        synthetic="**Trained on synthetic data.** " if saved_model.synthetic else "",
        classes=", ".join(saved_model.classes),
        networks=format_count(len(saved_model.networks), "network"),
        difference=max(difference, 1e-7),
        words=_WORDS if saved_model.preprocessor.vocabulary is not None else "",
        inputs="\n".join(lines),
        rows="\n".join(rows),
        notes="\n".join(f"- {note}" for note in _notes(saved_model)),
    )


def _example(each: GraphInput) -> str:
    """Return an expression for one utterance."""
    if each.name == SPEAKER:
        return "np.array([0])"
    if each.name == GAP_S:
        return "np.array([0], np.float32)"
    if each.is_number:
        return _TOKENS
    if each.name.endswith((MEAN, DEVIATION)):
        return f'np.array([facts["{each.name}"]], np.float32)'
    return f'np.load("{each.name}.npy")[None].astype(np.float32)'


def _shape(each: GraphInput) -> str:
    return "(" + ", ".join(map(str, each.axes)) + ("," if len(each.axes) == 1 else "") + ")"


def _meaning(saved_model: SavedModel, each: GraphInput) -> str:
    if each.name == SPEAKER:
        return "who speaks: equal where the speaker is, -1 where nobody knows"
    if each.name == GAP_S:
        return "seconds from the end of the turn before; 0 where nobody knows"
    if each.is_number:
        return "words as numbers: 1 an unknown word, 0 none (at the end alone)"
    if each.name.endswith((MEAN, DEVIATION)):
        return "scale of the utterance's speaker; the corpus's stands in the file"
    if each.name == TEXT_FACTORS:
        return "the components of the words' tf-idf, fitted in training: `model.pt` holds them"
    origin = saved_model.origins[each.name]
    is_described = each.name in saved_model.preprocessor.described
    what = "statistics of the frames of " if is_described else ""
    if isinstance(origin, Extraction):
        return f"{what}features that emotion_hpo extracts: `{json.dumps(dict(origin.settings))}`"
    return f"{what}ready-made features of the corpus"


def _notes(saved_model: SavedModel) -> Iterator[str]:
    preprocessor = saved_model.preprocessor
    yield "NaN is a lost value. Of an utterance that lacks a modality all are NaN, or all words 0."
    for name, shape in preprocessor.shapes().items():
        if shape.max_length > 1:
            yield f"`{name}`: what is beyond {shape.max_length} steps is cut off."
    if preprocessor.vocabulary is not None:
        marks = "; `!`, `?` and `...` are words, too" if preprocessor.marks else ""
        yield f"Words are lower case, without punctuation but for apostrophes{marks}."
    for name, reader in preprocessor.readers.items():
        if is_scaled_by_speaker(saved_model.preprocessor, name):
            yield (
                f"`{name}`: each speaker has a scale of their own. With n utterances of theirs, "
                f"their mean is w · own + (1 - w) · corpus, w = n / (n + {reader.n_prior:g}); so "
                "is their variance. Of a speaker of whom nothing is known take the corpus's."
            )
    yield (
        "Where emotion_hpo is installed, these inputs are made of words, recordings and motion by "
        '`api.load_model("model.pt").onnx_inputs([api.Utterance(text="so good to see you")])`, '
        "after `from emotion_hpo import api`."
    )
    if preprocessor.in_dialogues:
        yield "A call reads one dialogue, its turns in order; a turn alone is a dialogue of one."
