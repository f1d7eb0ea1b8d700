"""Configuration as frozen models: what a YAML file may say, checked once, before anything runs.

One file a group of `conf/`; `building.py` turns plain data into these models and back.
"""

from emotion_hpo.config.building import (
    VARIANT_KEYS,
    build,
    differences,
    dump,
    fingerprint,
    flatten,
    with_value,
    without_unknown,
)
from emotion_hpo.config.classical import BoostingModel, ClassicalModel, LinearModel, SvmModel
from emotion_hpo.config.corpus import (
    CollectedCorpus,
    CorpusConfig,
    EmodbCorpus,
    IemocapCorpus,
    ManifestCorpus,
    TwinCorpus,
)
from emotion_hpo.config.features import FeaturesConfig
from emotion_hpo.config.model import NetworkModel
from emotion_hpo.config.search import ExperimentConfig, ModelConfig, SearchConfig, StudyConfig
from emotion_hpo.config.space import Range, Scalar
from emotion_hpo.config.split import (
    GivenSplit,
    LosoSplit,
    PaperSplit,
    Rows,
    RowsSplit,
    SessionSplit,
    SpeakersSplit,
    SplitConfig,
)
from emotion_hpo.config.training import TrainingConfig

__all__ = [
    "VARIANT_KEYS",
    "BoostingModel",
    "ClassicalModel",
    "CollectedCorpus",
    "CorpusConfig",
    "EmodbCorpus",
    "ExperimentConfig",
    "FeaturesConfig",
    "GivenSplit",
    "IemocapCorpus",
    "LinearModel",
    "LosoSplit",
    "ManifestCorpus",
    "ModelConfig",
    "NetworkModel",
    "PaperSplit",
    "Range",
    "Rows",
    "RowsSplit",
    "Scalar",
    "SearchConfig",
    "SessionSplit",
    "SpeakersSplit",
    "SplitConfig",
    "StudyConfig",
    "SvmModel",
    "TrainingConfig",
    "TwinCorpus",
    "build",
    "differences",
    "dump",
    "fingerprint",
    "flatten",
    "with_value",
    "without_unknown",
]
