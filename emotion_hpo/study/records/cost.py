"""`trials/trial_N/cost.json`: what a trial's network costs to use."""

from typing import Literal

from pydantic import Field

from emotion_hpo.study.records.base import Part, Record, is_absent


class Latency(Part):
    """The time that one utterance takes, and how it was measured."""

    latency_ms: float = Field(
        description="median time from a new utterance's features to its probabilities"
    )
    repeated_ms: float | None = Field(
        None,
        exclude_if=is_absent,
        description="the same of a second call with each utterance, whose length is known",
    )
    first_ms: float | None = Field(
        None, exclude_if=is_absent, description="of the first call of all"
    )
    waiting_share: float | None = Field(
        None,
        exclude_if=is_absent,
        description="of the time that was measured, how much passed in waiting for a processor: "
        "0 on a quiet machine",
    )
    n_threads: int = Field(description="threads of the processor that were allowed")
    device: str = Field(description="what computed: `cpu`, or the name of the GPU")
    n_timed: int = Field(description="utterances that were timed")


class Cost(Latency, Record):
    """What a trial's network costs to use, whatever it has learnt."""

    version: Literal[1] = Field(1, description="of this file's layout")
    n_parameters: int = Field(description="trainable weights")


class FinalCost(Latency):
    """What all networks of a final model cost to use, one after the other."""

    n_networks: int = Field(description="trainings that answer together")
    n_parameters: int = Field(description="weights of all of them")
