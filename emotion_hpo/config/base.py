"""The one base of all configuration models."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of the configuration; an unknown key is an error, never ignored.

    Defaults live in `conf/`, where a user reads them; a field has a default here only if its
    absence means something.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        allow_inf_nan=False,  # neither is a value that a reader of JSON knows
    )
