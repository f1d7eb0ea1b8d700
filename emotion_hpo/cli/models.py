"""`emotion-hpo models`: list what networks are made of, the presets, or one, with their sizes."""

from pathlib import Path
from typing import Any

from pydantic import Field

from emotion_hpo.cli.conf_folder import conf_folder
from emotion_hpo.config import ModelConfig
from emotion_hpo.config.base import Section
from emotion_hpo.console.models import show_counts, show_models
from emotion_hpo.study import write_json


class ModelsCommand(Section):
    """`emotion-hpo models`."""

    output: Path | None = Field(description="also write the parameter counts there, as JSON")
    model: ModelConfig | None = Field(None, description="show this one alone")
    features: Any
    space: Any
    training: Any


def run(command: ModelsCommand) -> None:
    """Print every encoder, head, context and preset, or the chosen one, with parameter counts."""
    from emotion_hpo.models import catalogue

    chosen = command.model
    folder = conf_folder() / "model"
    networks = catalogue.read_presets(folder) if chosen is None else {chosen.name: chosen}
    rows = catalogue.preset_rows(networks)
    if command.output is not None:
        write_json(command.output, {row.name: {"parameters": row.parameters} for row in rows})
    if chosen is not None:
        show_counts(chosen.name, rows[0].parameters)
        return
    encoders = [(row.modality, row.name, row.parameters) for row in catalogue.encoder_rows()]
    heads = [(row.name, row.parameters["all"]) for row in catalogue.head_rows()]
    contexts = [(row.name, row.parameters["all"]) for row in catalogue.context_rows()]
    show_models(encoders, heads, contexts, {row.name: row.parameters for row in rows})
