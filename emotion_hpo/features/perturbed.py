"""Any corpus with other recordings: slower, faster, lower or higher copies, to train on beside it.

Speed is the rate at which samples are played (Ko et al. 2015, "Audio Augmentation for Speech
Recognition"): it changes length and pitch, and costs nothing, for extractors resample anyway.
Pitch alone is a recording stretched first, and then played so much faster that it is as long as
before. A copy has a recording and nothing else: words, motion and ready-made features stay the
utterance's own, and are read there.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from emotion_hpo.config.features import SPEECH
from emotion_hpo.config.training import Perturbation
from emotion_hpo.corpus.digests import Digests
from emotion_hpo.corpus.faults import Fault
from emotion_hpo.corpus.schema import Corpus, DerivedCorpus, Recording
from emotion_hpo.errors import ConfigError
from emotion_hpo.features.stretching import stretch

#: Part of every copy's key: raise it whenever `perturb` gives other samples.
_VERSION = 1

#: Semitones to an octave.
_OCTAVE = 12


@dataclass(frozen=True)
class Perturbed(DerivedCorpus):
    """Changed copies of a corpus's recordings (the `Corpus` protocol).

    Attributes:
        corpus: Whose recordings.
        perturbation: How they are changed.
    """

    perturbation: Perturbation

    @classmethod
    def open(cls, corpus: Corpus, perturbation: Perturbation) -> "Perturbed":
        """Open the copies.

        Raises:
            ConfigError: The corpus has no recordings.
        """
        if SPEECH not in {*corpus.modalities} - {*corpus.ready_made}:
            raise ConfigError(
                f"training.augmentation.{perturbation.kind}: corpus {corpus.name} brings no "
                "recordings, so that there is nothing to change; set it to 0"
            )
        return cls(corpus, perturbation)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Recordings alone."""
        return (SPEECH,)

    @property
    def ready_made(self) -> tuple[str, ...]:
        """None."""
        return ()

    def faults(self) -> tuple[Fault, ...]:
        """None: the corpus names its own."""
        return ()

    def fingerprint(self, session: str, digests: Digests) -> str:
        """Changes with the corpus and with the perturbation."""
        recorded = self.corpus.fingerprint(session, digests)
        said = f"{recorded} {tuple(self.perturbation)} {_VERSION}"
        return hashlib.sha256(said.encode()).hexdigest()

    def recordings(self, session: str, dialogue: str) -> Iterator[Recording]:
        """The corpus's, changed."""
        for recording in self.corpus.recordings(session, dialogue):
            sound = replace(recording, motion=None, features={}, sources={}, faults=())
            yield perturb(sound, self.perturbation)


def perturb(recording: Recording, perturbation: Perturbation) -> Recording:
    """Return a recording at another speed, or as long and of another pitch."""
    samples, speed = recording.samples, perturbation.amount
    if samples is None or not samples.size or not np.isfinite(samples).all():
        return recording  # whoever extracts says what is wrong with it
    if perturbation.kind == "pitch":
        speed = 2 ** (perturbation.amount / _OCTAVE)
        samples = stretch(samples, speed, recording.sample_rate_hz)
    return replace(
        recording, samples=samples, sample_rate_hz=round(recording.sample_rate_hz * speed)
    )
