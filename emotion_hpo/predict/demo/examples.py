"""Examples for the page: utterances of the synthetic twin, as recordings and words."""

from pathlib import Path

import soundfile

from emotion_hpo.config.corpus import TwinCorpus
from emotion_hpo.corpus.twin.corpus import open_corpus

#: As many as a person looks through.
_N_EXAMPLES = 4

#: Small dialogues are written in no time.
_SCALE = 0.05

#: Sealed by default, so that no model of the twin has learnt from it.
_SESSION = "5"


def write_examples(folder: Path) -> list[tuple[Path, str]]:
    """Write utterances of a dialogue, of other emotions each as far as it has such.

    Returns:
        A WAV file and the words of each.
    """
    twin = open_corpus(TwinCorpus(name="twin", seed=0, scale=_SCALE))
    table = twin.table(_SESSION).dropna(subset=["emotion", "transcript"])
    n_emotions = table.groupby("dialogue")["emotion"].nunique()
    dialogue = str(n_emotions.idxmax())
    turns = table[table["dialogue"] == dialogue]
    chosen = [*turns.drop_duplicates("emotion")["utterance_id"]][:_N_EXAMPLES]
    words = dict(zip(turns["utterance_id"], turns["transcript"], strict=True))
    examples = {}
    for recording in twin.recordings(_SESSION, dialogue):
        if recording.utterance_id in chosen and recording.samples is not None:
            path = folder / f"{recording.utterance_id}.wav"
            soundfile.write(path, recording.samples, recording.sample_rate_hz, subtype="PCM_16")
            examples[recording.utterance_id] = (path, words[recording.utterance_id])
    return [examples[name] for name in chosen if name in examples]
