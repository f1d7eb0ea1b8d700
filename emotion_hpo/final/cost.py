"""What a final model costs to use: its weights, and the time that one utterance takes."""

from collections.abc import Sequence

from emotion_hpo.features.utterances import Utterances
from emotion_hpo.predict.saved_model import SavedModel
from emotion_hpo.study.records.cost import FinalCost
from emotion_hpo.training.profiling import measure_latency


def measure_final_cost(saved_models: Sequence[SavedModel], utterances: Utterances) -> FinalCost:
    """Return weights and latency of models that answer together, one network after the other."""
    n_networks, n_parameters, latencies = 0, 0, []
    for saved_model in saved_models:
        learners = saved_model.build_learners()
        n_networks += len(learners)
        n_parameters += sum(learner.n_weights for learner in learners)
        data = saved_model.preprocessor.transform(utterances)
        latencies.append(measure_latency(learners, data, saved_model.config.training))
    return FinalCost(
        n_networks=n_networks,
        n_parameters=n_parameters,
        latency_ms=sum(latency.latency_ms for latency in latencies),
        repeated_ms=sum(latency.repeated_ms for latency in latencies),
        first_ms=sum(latency.first_ms for latency in latencies),
        waiting_share=max(
            (share for latency in latencies if (share := latency.waiting_share) is not None),
            default=None,
        ),
        n_threads=latencies[0].n_threads,
        device=latencies[0].device,
        n_timed=latencies[0].n_timed,
    )
