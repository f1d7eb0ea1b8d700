"""The parts of a corpus as MLflow shows data sets: name, digest, context, number of utterances."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput


def dataset_input(
    corpus: str, digest: str, part: str, n: int, *, synthetic: bool
) -> "DatasetInput":
    """Describe a part of a corpus as an input of a run.

    Args:
        corpus: Its name.
        digest: Changes whenever the features do.
        part: training, validation or test.
        n: Utterances.
        synthetic: Whether it is invented.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = {"corpus": corpus, "synthetic": synthetic}
    return DatasetInput(
        Dataset(
            name=f"{corpus} ({part})",
            digest=digest,
            source_type="code",
            source=json.dumps(source),
            profile=json.dumps({"utterances": n}),
        ),
        [InputTag("mlflow.data.context", part)],
    )
