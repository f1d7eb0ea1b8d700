"""The libraries of the extra are imported where a model is opened, and nowhere else."""

import subprocess
import sys

EXTRA = ("transformers", "ctranslate2", "onnxruntime", "huggingface_hub", "faster_whisper",
         "pocketsphinx")  # fmt: skip

SCRIPT = f"""
import sys
import emotion_hpo.cli.search, emotion_hpo.cli.final, emotion_hpo.cli.nested
import emotion_hpo.cli.predict, emotion_hpo.cli.transcribe
import emotion_hpo.features.transcription.transcribe
import emotion_hpo.search.coordinator, emotion_hpo.final.scoring, emotion_hpo.predict
import emotion_hpo.features.pretrained.encoders, emotion_hpo.features.pretrained.forecast
print([name for name in {EXTRA!r} if sys.modules.get(name)])
"""


def test_nothing_of_the_extra_is_imported_before_a_model_is_opened():
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=300
    )
    assert ended.stdout.strip() == "[]"
