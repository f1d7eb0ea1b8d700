"""What an utterance expresses, and how hard that is to see: the twin's difficulty, in one place.

The label is what most annotators would say. What is *shown* may differ (some utterances look like
another emotion in every modality: no model gets those right), it is shown more or less strongly,
and each modality adds an error of its own. So the modalities complement each other, and none
suffices. `benchmarks/twin_calibration.py` measures where simple classifiers land.
"""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.dialogue_figures import LABELS
from emotion_hpo.corpus.twin.figures import CLASSES
from emotion_hpo.corpus.twin.randomness import stream


@dataclass(frozen=True)
class Difficulty:
    """The knobs of the calibration.

    Attributes:
        ambiguous: Share of utterances that show another emotion than their label, everywhere.
        intensity_scatter: Standard deviation of the logarithm of how strongly emotion is shown.
        text_clear: Share of transcripts whose words lean towards the shown emotion at all.
        text_tint: Share of a clear transcript's content words that do.
        text_topic: Share of an improvised scene's nouns, verbs and adjectives that are the scene's.
        speech_noise: Scatter of an utterance's vocal cues, against emotions about 1 apart.
        speech_courses: How far apart emotions are in the courses over an utterance, which a network
            that reads frames sees and averages do not; against 1 for the other cues.
        motion_noise: The same for motion.
        listener: How much of the speaker's emotion the face of the listener shows.
        speaker_style: Scatter between speakers in how much each cue follows emotion.
        mood: Share of the turns without a majority that show what their speaker shows around them.
    """

    ambiguous: float = 0.12
    intensity_scatter: float = 0.35
    text_clear: float = 1.0
    text_tint: float = 0.83
    text_topic: float = 0.05
    speech_noise: float = 0.80
    speech_courses: float = 0.2
    motion_noise: float = 0.95
    listener: float = 0.6
    speaker_style: float = 0.25
    mood: float = 0.4


DIFFICULTY = Difficulty()

#: What is shown instead of a class (rows, in the order of `CLASSES`): neighbours are mistaken.
_MISTAKEN = np.array([
    [0.0, 0.30, 0.50, 0.20],
    [0.25, 0.0, 0.60, 0.15],
    [0.25, 0.35, 0.0, 0.40],
    [0.15, 0.10, 0.75, 0.0],
])  # fmt: skip

#: What a turn of another label shows, in the order of `LABELS` after the classes.
_RESEMBLED = np.array([
    [0.45, 0.03, 0.32, 0.20],
    [0.04, 0.66, 0.25, 0.05],
    [0.20, 0.50, 0.25, 0.05],
    [0.15, 0.10, 0.25, 0.50],
    [0.70, 0.05, 0.20, 0.05],
    [0.25, 0.25, 0.25, 0.25],
    [0.25, 0.25, 0.25, 0.25],
])  # fmt: skip

#: Valence, activation and dominance of each label on IEMOCAP's scale of 1 to 5.
_ATTRIBUTES = np.array([
    [1.9, 3.7, 4.0], [4.0, 3.6, 3.4], [3.0, 2.7, 2.9], [2.2, 2.3, 2.6],
    [2.3, 3.2, 3.3], [4.0, 3.1, 2.9], [3.2, 3.6, 3.2], [2.3, 3.3, 2.8],
    [2.0, 3.0, 3.5], [2.9, 3.0, 3.1], [2.8, 3.1, 3.2],
])  # fmt: skip
#: Another label than a class's, which one annotator of three may give.
_THIRD = {"ang": "fru", "exc": "oth", "neu": "oth", "sad": "fru"}


@dataclass(frozen=True)
class Shown:
    """What one utterance expresses.

    Attributes:
        emotion: The emotion that is seen and heard, as its number; often, not always, the label.
        intensity: How strongly, about 1.
        attributes: Valence, activation, dominance as annotated.
        votes: The annotators' label counts as JSON.
    """

    emotion: int
    intensity: float
    attributes: tuple[float, float, float]
    votes: str


@dataclass(frozen=True)
class Act:
    """All that an utterance's recordings follow from, beside whose voice and face they are.

    Attributes:
        stream: Names the utterance's random streams.
        emotion: The emotion shown, as its number.
        intensity: How strongly.
        n_words: So many words are spoken.
        seconds: Its length.
        wears_markers: Whether the motion is the speaker's own; else it is the listener's.
        nan_share: Share of motion frames in which a marker is lost; NaN without motion.
    """

    stream: str
    emotion: int
    intensity: float
    n_words: int
    seconds: float
    wears_markers: bool
    nan_share: float


def shown(seed: int, utterance_id: str, label: int, mood: int) -> Shown:
    """Draw what a turn with this label expresses.

    Args:
        seed: The corpus's.
        utterance_id: Names its stream.
        label: Number of one of `LABELS`.
        mood: The class that the speaker is nearest to, which a turn without a majority shows, too.
    """
    rng = stream(seed, utterance_id, "expression")
    mistaken, which, voted = rng.random(3)
    emotion = label
    if label >= len(CLASSES):
        emotion = _drawn(_RESEMBLED[label - len(CLASSES)], which)
        if LABELS[label] == "xxx" and mistaken < DIFFICULTY.mood:
            emotion = mood
    elif mistaken < DIFFICULTY.ambiguous:
        emotion = _drawn(_MISTAKEN[label], which)
    noise = rng.normal(size=4)
    intensity = float(np.exp(DIFFICULTY.intensity_scatter * noise[0]))
    mixed = 0.6 * _ATTRIBUTES[label] + 0.4 * _ATTRIBUTES[emotion] + 0.5 * noise[1:]
    # Annotators give whole points and the corpus their mean, so halves occur.
    halves = np.round(2 * np.clip(mixed, 1, 5)) / 2
    attributes = (float(halves[0]), float(halves[1]), float(halves[2]))
    disagrees = voted > intensity
    return Shown(emotion, intensity, attributes, json.dumps(_votes(label, emotion, disagrees)))


def _drawn(shares: NDArray[np.float64], draw: float) -> int:
    """The class at which the uniform draw falls."""
    return int(np.searchsorted(np.cumsum(shares), draw, side="right"))


def _votes(label: int, emotion: int, disagrees: bool) -> dict[str, int]:
    """Three annotators' labels: two agree, the third sees what is shown, or agrees, too."""
    name, seen = LABELS[label], CLASSES[emotion]
    if name == "xxx":
        return dict.fromkeys((seen, _THIRD[seen], "sur"), 1)
    if seen != name and (label < len(CLASSES) or disagrees):
        return {name: 2, seen: 1}
    if seen == name and disagrees:
        return {name: 2, _THIRD[name]: 1}
    return {name: 3}


def cues(
    act: Act,
    prototypes: NDArray[np.float64],
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Strengths of a modality's cues in one utterance.

    Args:
        act: Its emotion chooses the prototype, its intensity scales it.
        prototypes: `(emotions, cues)`, about 1 apart.
        noise: Standard deviation added to each cue, whatever the intensity.
        rng: The utterance's own stream.

    Returns:
        `(cues,)`.
    """
    error = rng.normal(scale=noise, size=prototypes.shape[1])
    return np.asarray(act.intensity * prototypes[act.emotion] + error)


def style(seed: int, speaker: str, modality: str, n_cues: int) -> NDArray[np.float64]:
    """How much each cue follows emotion in this speaker: around 1, the same in all utterances."""
    rng = stream(seed, speaker, modality, "style")
    return np.asarray(1 + DIFFICULTY.speaker_style * rng.normal(size=n_cues))
