"""What a model with context is compared with: the same configuration, each utterance read alone."""

import math
from dataclasses import replace

from emotion_hpo.config import NetworkModel
from emotion_hpo.config.auto import resolved
from emotion_hpo.config.model import NoContext
from emotion_hpo.dataset.dialogues import count_batches
from emotion_hpo.features.utterances import Utterances
from emotion_hpo.final.plan import Plan, Recipe
from emotion_hpo.selection.suggestion import BASELINE


def lone_recipe(plan: Plan, everything: Utterances) -> Recipe | None:
    """Return the recipe of a plan's only trial, without context.

    Seeds and epochs stay. Since a batch holds turns in the one, labelled and not, and utterances in
    the other, its size changes so that an epoch has as many optimiser steps.

    Args:
        plan: What is scored.
        everything: Train + validation.

    Returns:
        None of an ensemble, of the baseline, and of a trial that reads no context.
    """
    recipe = plan.members[0]
    config, model = recipe.config, recipe.config.model
    if len(plan.members) > 1 or recipe.name == BASELINE or not config.has_context:
        return None
    if isinstance(model, NetworkModel):
        n_steps = count_batches(everything, resolved(config.training.batch_turns))
        batch_size = math.ceil(len(everything) / n_steps)
        training = config.training.model_copy(update={"batch_size": batch_size})
        alone = model.model_copy(update={"context": NoContext()})
        config = config.model_copy(update={"model": alone, "training": training})
    else:
        lone = model.model_copy(update={"turns_before": 0, "turns_after": 0})
        config = config.model_copy(update={"model": lone})
    return replace(recipe, name=f"{recipe.name}_alone", config=config)
