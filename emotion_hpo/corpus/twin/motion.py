"""How it looks: marker motion of head, hands and face, of the speaker or of who listens.

A handful of smooth latent courses (brows, smile, jaw, head, hands …) move 55 face markers through
one small matrix product; emotion sets where the courses rest, how far they swing and which way they
drift over the utterance. Markers are lost in runs of frames, as on the real set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emotion_hpo.corpus.twin.expression import DIFFICULTY, Act, cues, style
from emotion_hpo.corpus.twin.randomness import stream

FRAMES_PER_S = 120
#: Courses turn about this often a second: faces move slowly against the camera.
_KNOTS_PER_S = 4

#: What each emotion does to face, head and hands, about 1 apart. Rows in the order of the classes.
_CUES = (
    "brow", "furrow", "smile", "jaw", "lids", "lips", "nod", "bow", "gesture", "drift", "onset",
)  # fmt: skip
_PROTOTYPES = np.array([
    [-0.6, 0.9, -0.5, 0.5, 0.3, 0.7, 0.4, 0.1, 0.5, -0.9, -0.5],
    [0.7, -0.5, 1.0, 0.6, 0.1, -0.4, 0.6, -0.3, 0.5, 0.9, 0.6],
    [-0.1, -0.1, -0.1, -0.2, 0.1, 0.0, -0.3, 0.0, -0.3, 0.0, -0.2],
    [0.3, 0.2, -0.5, -0.6, -0.8, 0.1, -0.6, 0.8, -0.5, -0.2, 0.5],
])  # fmt: skip
_FACE = 6  # the first cues are the face's courses

#: Groups of face markers in the release's order: how many, and where at rest: sideways (left is
#: positive), up and forward in mm from the middle of the face, by hand. `spread` is their extent.
_MARKERS = (
    ("CH", 3, (0, -75, 25), 25), ("FH", 3, (0, 85, 30), 35), ("LC", 8, (38, -12, 22), 20),
    ("RC", 8, (-38, -12, 22), 20), ("LLID", 1, (26, 28, 22), 0), ("RLID", 1, (-26, 28, 22), 0),
    ("MH", 1, (0, 110, 10), 0), ("MNOSE", 1, (0, 10, 55), 0), ("LNSTRL", 1, (12, -6, 42), 0),
    ("TNOSE", 1, (0, 28, 45), 0), ("RNSTRL", 1, (-12, -6, 42), 0), ("LBM", 4, (34, 8, 26), 16),
    ("RBM", 4, (-34, 8, 26), 16), ("LBRO", 4, (28, 48, 34), 18), ("RBRO", 4, (-28, 48, 34), 18),
    ("MOU", 8, (0, -38, 40), 24), ("LHD", 1, (70, 60, -40), 0), ("RHD", 1, (-70, 60, -40), 0),
)  # fmt: skip

#: Faces differ less than people do: the release's are turned and scaled towards one another.
_SIZE_SCATTER, _MARKER_SCATTER_MM = 0.004, 0.3

#: Course → marker group → how far one unit moves it, in mm (sideways is outwards).
_MOVES: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "brow": {"BRO": (0, 3.0, 0.3), "FH": (0, 1.0, 0), "LID": (0, 0.6, 0)},
    "furrow": {"BRO": (-1.6, -1.4, 0.4), "BM": (0, 0.5, 0), "NOSE": (0, 0.3, 0)},
    "smile": {"C": (0.8, 1.8, 0.6), "MOU": (1.6, 0.9, -0.5), "BM": (0.3, 0.9, 0.2)},
    "jaw": {"CH": (0, -3.2, -0.8), "MOU": (0, -1.5, -0.2), "C": (-0.2, -0.5, 0)},
    "lids": {"LID": (0, 1.8, 0)},
    "lips": {"MOU": (-0.8, 0.3, -0.7), "CH": (0, 0.6, 0.4), "NSTRL": (0.5, 0.2, 0)},
}


@dataclass(frozen=True)
class Face:
    """What stays the same in all motion of one wearer of the markers.

    Attributes:
        rest: `(165,)` positions of the face's markers at rest, in mm.
        moves: `(9, 165)` mm by unit: the six courses, and three of this person's own.
        head: `(6,)` rotations and translations at rest.
        hand: `(18,)` positions of the hands' markers at rest.
        style: How much each cue follows emotion.
    """

    rest: NDArray[np.float32]
    moves: NDArray[np.float32]
    head: NDArray[np.float32]
    hand: NDArray[np.float32]
    style: NDArray[np.float64]


def face(seed: int, wearer: str) -> Face:
    """Draw a wearer's face, with the markers glued on once."""
    rng = stream(seed, wearer, "face")
    rest, moves = [], []
    for group, count, centre, spread in _MARKERS:
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + 0.4
        ring = np.stack([np.cos(angles), 0.6 * np.sin(angles), 0.1 * np.cos(2 * angles)], axis=1)
        place = np.array(centre) + spread * ring
        rest.append(place)
        outwards = np.sign(place) * [1, 0, 0] + [0, 1, 1]
        name = group.lstrip("LR") if group not in {"LLID", "RLID"} else "LID"
        moves.append([outwards * _MOVES[course].get(name, (0, 0, 0)) for course in _CUES[:_FACE]])
    shared = np.concatenate([np.stack(group) for group in moves], axis=1)
    personal = 1 + 0.15 * rng.normal(size=shared.shape)
    own = 0.6 * rng.normal(size=(3, *shared.shape[1:]))
    positions = np.concatenate(rest) * (1 + _SIZE_SCATTER * rng.normal())
    positions += _MARKER_SCATTER_MM * rng.normal(size=positions.shape)
    return Face(
        rest=positions.ravel().astype(np.float32),
        moves=np.concatenate([shared * personal, own]).reshape(9, -1).astype(np.float32),
        head=(rng.normal(size=6) * [1, 1, 1, 3, 3, 3]).astype(np.float32),
        hand=(rng.normal(size=18) * 8 + np.tile([120.0, -250.0, 200.0], 6)).astype(np.float32),
        style=style(seed, wearer, "mocap", len(_CUES)),
    )


def move(
    seed: int, act: Act, wearer: Face, n_frames: int | None = None
) -> dict[str, NDArray[np.float32]]:
    """Synthesise the motion during an utterance.

    A listener shows less of what the speaker feels, and a still jaw.

    Args:
        seed: The corpus's.
        act: What is expressed, for how long.
        wearer: Of the markers.
        n_frames: That the cameras take meanwhile; None: as many as the length says.

    Returns:
        Part → `(frames, width)`, in degrees and mm.
    """
    rng = stream(seed, act.stream, "mocap")
    if not act.wears_markers:
        act = replace(act, intensity=act.intensity * DIFFICULTY.listener)
    strengths = wearer.style * cues(act, _PROTOTYPES, DIFFICULTY.motion_noise, rng)
    cue = dict(zip(_CUES, strengths.tolist(), strict=True))
    n_frames = n_frames or max(2, round(act.seconds * FRAMES_PER_S))
    courses = _courses(n_frames, act.seconds, 18, rng)
    time = np.linspace(-1, 1, n_frames, dtype=np.float32)

    # Face: courses rest where emotion puts them; smile and brows drift, and grow or fade.
    level = np.array([cue[name] for name in _CUES[:_FACE]], dtype=np.float32)
    face_courses = 0.5 * courses[:, :9]
    face_courses[:, :_FACE] += level * (1 + 0.5 * np.tanh(cue["onset"]) * time[:, None])
    face_courses[:, 0] += np.float32(0.6 * cue["drift"]) * time
    face_courses[:, 2] += np.float32(0.6 * cue["drift"]) * time
    if act.wears_markers:
        face_courses[:, 3] += np.abs(courses[:, 9]) * np.float32(1.2)
    positions = np.asarray(face_courses @ wearer.moves, dtype=np.float32)
    positions += wearer.rest

    swing = np.float32(2.0 ** (0.4 * cue["nod"]))
    head = wearer.head + courses[:, 9:15] * swing * np.array([3, 2, 2, 4, 4, 4], np.float32)
    head[:, 0] += np.float32(2.0 * cue["bow"])
    reach = np.float32(2.0 ** (0.4 * cue["gesture"]) * (1.0 if act.wears_markers else 0.6))
    hand = wearer.hand + np.tile(courses[:, 15:18], 6) * (15 * reach)
    hand[:, :9] += 25 * reach * courses[:, 12:13]

    _lose(positions, act.nan_share, rng)
    return {"head": head, "hand": hand.astype(np.float32), "face": positions}


def _courses(
    n_frames: int, seconds: float, n: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Smooth random courses `(frames, n)` of about unit variance, by cubic steps between knots."""
    n_knots = int(np.ceil(seconds * _KNOTS_PER_S)) + 2
    knots = rng.standard_normal((n_knots, n), dtype=np.float32)
    knots[1:] = 0.6 * knots[:-1] + 0.8 * knots[1:]
    place = np.linspace(0, n_knots - 1.001, n_frames)
    left = place.astype(np.int64)
    part = (place - left).astype(np.float32)[:, None]
    part = part * part * (3 - 2 * part)
    return np.asarray(knots[left] + part * (knots[left + 1] - knots[left]))


def _lose(positions: NDArray[np.float32], share: float, rng: np.random.Generator) -> None:
    """Set markers to NaN in runs that cover exactly this share of the frames, in place."""
    n_frames = len(positions)
    n_lost = round(share * n_frames)
    if share > 0:
        n_lost = max(n_lost, 1)
    if 0 < share < 1:
        n_lost = min(n_lost, n_frames - 1)
    if not n_lost:
        return
    n_runs = min(1 + int(rng.poisson(n_lost / 60)), n_lost, n_frames - n_lost + 1)
    # Cut the lost and the kept frames into as many pieces, and lay them alternately.
    lengths = _cut(n_lost, n_runs, rng, least=1)
    gaps = _cut(n_frames - n_lost, n_runs + 1, rng, least=0)
    starts = np.cumsum(gaps[:-1]) + np.cumsum(lengths) - lengths
    n_markers = positions.shape[1] // 3
    for start, length in zip(starts, lengths, strict=True):
        # A few markers; in one run of ten the whole face turns away.
        count = n_markers if rng.random() < 0.1 else 1 + int(rng.geometric(0.4))
        markers = rng.permutation(n_markers)[:count]
        columns = (3 * markers[:, None] + np.arange(3)).ravel()
        positions[start : start + length, columns] = np.nan


def _cut(total: int, n: int, rng: np.random.Generator, least: int) -> NDArray[np.int64]:
    """Cut a number into `n` random parts of at least `least`."""
    marks = np.sort(rng.integers(0, total - least * n + 1, size=n - 1))
    edges = np.concatenate([[0], marks, [total - least * n]])
    return np.asarray(np.diff(edges) + least, dtype=np.int64)
