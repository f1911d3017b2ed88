"""Rows of the ablation, and everything that each depends on but its files.

The Snakefile imports this module, so it stays light.
"""

from typing import Annotated

from pydantic import Field

from firn.config import (
    BlockSplit,
    Config,
    EmulationSettings,
    EvaluationSettings,
    InferenceSettings,
    NetworkSettings,
    RandomPatchSplit,
    TrainingSettings,
    TrainingStep,
)
from firn.config_section import Section

#: The network of every row.
METHOD = "unet"


class Row(Section):
    """One training by a recipe, and its scores on virtual historical scenes.

    ``seed`` seeds draws, weights and order; ``base_seed``, that of the configuration, the split and
    the bootstrap, which all rows share.
    """

    method: str = METHOD
    recipe: str
    sensor: str
    area: str
    seed: int
    base_seed: int
    truth: bool
    emulation: EmulationSettings
    split: Annotated[BlockSplit | RandomPatchSplit, Field(discriminator="kind")]
    network: NetworkSettings
    training: TrainingSettings
    step: TrainingStep
    tree_cover_max: float
    inference: InferenceSettings
    evaluation: EvaluationSettings

    @property
    def name(self) -> str:
        """Name, as ``full-spot2-1``."""
        return f"{self.recipe}-{self.sensor}-{self.seed}"


def plan_row(config: Config, recipe: str, sensor: str, seed: int) -> Row:
    """Describe a row of the configuration's ablation."""
    ablation = config.ablation
    assert ablation is not None
    own, truth = config.with_recipe(recipe), ablation.recipes[recipe].truth
    # Where images are not emulated, none can be emulated anew.
    training = own.training.model_copy(update={"emulation": "stored"} if truth else {})
    return Row(
        recipe=recipe,
        sensor=sensor,
        area=next(iter(config.areas)),
        seed=seed,
        base_seed=config.seed,
        truth=truth,
        emulation=own.emulation,
        split=own.split,
        network=own.network,
        training=training,
        # Patience without end: all rows take as many steps.
        step=TrainingStep(
            learning_rate=ablation.learning_rate,
            patience=ablation.epochs,
            max_epochs=ablation.epochs,
        ),
        tree_cover_max=own.labels.tree_cover_max,
        inference=own.inference,
        evaluation=own.evaluation,
    )


def label_set(config: Config, recipe: str) -> str:
    """Labels that a recipe trains on: ``truth``, or the filter of the clouds."""
    assert config.ablation is not None
    truth = config.ablation.recipes[recipe].truth
    return "truth" if truth else config.with_recipe(recipe).labels.filter
