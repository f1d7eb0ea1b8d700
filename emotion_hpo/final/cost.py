"""What a final model costs to use: its weights, and the time that one utterance takes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.training.profiling import measure_latency


def cost_of_bundles(bundles: Sequence[SavedModel], utterances: Utterances) -> dict[str, Any]:
    """Weights and latency of the models that answer together, one network after the other."""
    n_networks, n_parameters, timed = 0, 0, []
    for one in bundles:
        networks = one.build_networks()
        n_networks += len(networks)
        n_parameters += sum(part.numel() for net in networks for part in net.parameters())
        timed.append(
            measure_latency(networks, one.preprocessor.transform(utterances), one.config.training)
        )
    together = replace(timed[0], latency_ms=sum(one.latency_ms for one in timed))
    return {"n_networks": n_networks, "n_parameters": n_parameters, **together.to_json()}
