"""How many turns each dialogue has, and each session of each label: IEMOCAP's, or their share."""

import numpy as np

from emotion_hpo.corpus.twin import dialogue_figures, figures, lengths
from emotion_hpo.corpus.twin.counts import dealt, meeting
from emotion_hpo.corpus.twin.dialogue_figures import BETWEEN, IMPROVISED, PIECES, SCRIPTED
from emotion_hpo.corpus.twin.figures import SESSIONS
from emotion_hpo.corpus.twin.randomness import stream

#: Full-size turns of the plays' longest performance beyond their mean.
_MARGIN = 3


def scaled(count: int, scale: float) -> int:
    """That share of a count, at least one of it."""
    return max(1, round(count * scale)) if count else 0


def label_counts(session: str, scale: float) -> list[int]:
    """Turns of each label; every class is there, the others as their share allows."""
    classes = [scaled(count, scale) for count in SESSIONS[session].counts]
    between = np.array(BETWEEN[session], dtype=float)
    n_between = round(sum(BETWEEN[session]) * sum(classes) / SESSIONS[session].total)
    return classes + [int(count) for count in dealt(n_between, between)]


def turn_counts(seed: int, scale: float) -> dict[str, int]:
    """Dialogue → turns, sorted; fewer of both kinds and both actors for a smaller twin."""
    names = [
        name for session in SESSIONS for name in _dialogues(session, scale)
    ]  # fmt: skip
    full = _full_sizes(seed)
    sizes: dict[str, int] = {}
    for session in SESSIONS:
        n = sum(label_counts(session, scale))
        share = IMPROVISED[session] / (IMPROVISED[session] + SCRIPTED[session])
        n_improvised = min(max(round(n * share), 2), n - 2)
        for kind, n_kind in (("impro", n_improvised), ("script", n - n_improvised)):
            of_kind = [name for name in names if name[4] == session and kind in name]
            turns = dealt(n_kind, np.array([full[name] for name in of_kind], dtype=float))
            sizes |= dict(zip(of_kind, turns.tolist(), strict=True))
    return {name: sizes[name] for name in sorted(names)}


def _full_sizes(seed: int) -> dict[str, int]:
    """Turns of every dialogue of the full twin."""
    rng = stream(seed, "sizes")
    names = [name for session in SESSIONS for name in _dialogues(session, 1.0)]
    scenes = [name for name in names if "impro" in name]
    n_scenes = {session: sum(name[4] == session for name in scenes) for session in SESSIONS}
    # Longer where the session has more turns; the longest, and those before the paper's
    # validation rows (which must hold so many utterances), stand where they must.
    scores = np.array([IMPROVISED[name[4]] / n_scenes[name[4]] / 15 for name in scenes])
    scores += rng.normal(size=len(scenes))
    middle = np.median(scores) + 0.6
    for i, name in enumerate(scenes):
        if name[:6] == figures.VALIDATION_STARTS[:6]:
            scores[i] = middle if name <= figures.VALIDATION_STARTS else scores[i]
    scores[scenes.index(dialogue_figures.LONGEST)] = np.inf
    ordered = lengths.quantiles(dialogue_figures.SCENE_TURNS, len(scenes))
    sizes = dict(zip(scenes, ordered[lengths.ranks(scores)], strict=True))
    for session in SESSIONS:
        own = [name for name in scenes if name[4] == session]
        fixed = [name for name in own if name == dialogue_figures.LONGEST]
        free = [name for name in own if name not in fixed]
        n_free = IMPROVISED[session] - sum(round(sizes[name]) for name in fixed)
        sizes |= dict(zip(free, dealt(n_free, np.array([sizes[n] for n in free])), strict=True))
    pieces = [piece for piece in PIECES if piece != "script01_1b"]
    left = np.array(list(SCRIPTED.values())) - [0, 0, 0, 0, PIECES["script01_1b"]]
    by_session = meeting(np.array([PIECES[piece] for piece in pieces]), left)
    for piece, row in zip(pieces, by_session, strict=True):
        for session, n_turns in zip(SESSIONS, row.tolist(), strict=True):
            more = int(rng.integers(-_MARGIN, _MARGIN + 1))
            sizes[f"Ses0{session}F_{piece}"] = n_turns // 2 + more
            sizes[f"Ses0{session}M_{piece}"] = n_turns - n_turns // 2 - more
    sizes["Ses05M_script01_1b"] = PIECES["script01_1b"]
    return {name: round(size) for name, size in sizes.items()}


def _dialogues(session: str, scale: float) -> tuple[str, ...]:
    """The session's dialogues."""
    names = []
    for wearer, scenes in SESSIONS[session].dialogues.items():
        for kind in ("impro", "script"):
            of_kind = [scene for scene in scenes if scene.startswith(kind)]
            chosen = of_kind[: max(1, round(len(of_kind) * np.sqrt(scale)))]
            names += [f"Ses0{session}{wearer}_{scene}" for scene in chosen]
    return tuple(names)
