"""The facts of `study.yaml`: when, from which code and on which machine a study was begun."""

from pydantic import Field

from emotion_hpo.study.records.base import Part, is_absent
from emotion_hpo.study.records.transcription import Transcription


class Fingerprint(Part):
    """What tells one study's question from another's."""

    experiment: str = Field(description="of the configuration, nothing varied")
    space: str = Field(description="of the ranges")


class Hardware(Part):
    """The machine that began the study; workers elsewhere may have another."""

    processor: str = Field(description="its name")
    cores: int | None = Field(description="logical cores")
    memory_gb: float | None = Field(description="main memory")
    gpus: tuple[str, ...] = Field(description="names of NVIDIA GPUs")
    system: str = Field(description="operating system")
    python: str = Field(description="version")


class StudyFacts(Part):
    """What is written once, when a study is begun."""

    created_at: str = Field(description="when (UTC, ISO 8601)")
    commit: str | None = Field(description="of the code; null where it is not a checkout")
    fingerprint: Fingerprint = Field(description="of the question")
    versions: dict[str, str | None] = Field(description="package → version; null if not there")
    hardware: Hardware = Field(description="the machine that began it")
    synthetic: bool = Field(description="whether the corpus is invented")
    words: Transcription | None = Field(
        None,
        exclude_if=is_absent,
        description="by what `corpus.transcripts` was recognised; absent where that is not known, "
        "and where the corpus is read with its own words",
    )
