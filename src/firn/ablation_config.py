"""Configuration of the ablation: recipes to make training data by, side by side."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from firn.config_section import Section

#: Recipes that there must be: those that the others are placed between.
REFERENCE, FULL = "reference", "full"


class Recipe(Section):
    """What a recipe does otherwise than the configuration that it stands in."""

    truth: bool = Field(
        False,
        description="Train on virtual SPOT scenes with their true labels: the upper bound, and the "
        "one place where truth trains",
    )
    labels: dict[Literal["filter"], Any] = Field({}, description="Keys of labels")
    emulation: dict[str, Any] = Field({}, description="Keys of emulation")
    training: dict[Literal["augment", "emulation"], Any] = Field(
        {}, description="Keys of training that a recipe may change"
    )

    def changes(self) -> dict[str, dict[Any, Any]]:
        """Give the changed keys of each section."""
        return {"labels": self.labels, "emulation": self.emulation, "training": self.training}


class Ablation(Section):
    """Recipes that share network, patches, steps and seeds."""

    recipes: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")], Recipe] = Field(
        description=f"Recipes by name; {REFERENCE}, {FULL} and one with truth are needed"
    )
    seeds: tuple[int, ...] = Field((1, 2, 3), min_length=1, description="Seeds of each recipe")
    learning_rate: float = Field(0.003, gt=0, description="Learning rate of Adam")
    epochs: int = Field(20, ge=1, description="Epochs of every training, without stopping early")

    @model_validator(mode="after")
    def _ends_given(self) -> "Ablation":
        if missing := {REFERENCE, FULL} - self.recipes.keys():
            raise ValueError(f"recipes: {', '.join(sorted(missing))} must be among them")
        if len(self._with_truth()) != 1:
            raise ValueError("recipes: one recipe must have truth: true, the upper bound")
        return self

    def _with_truth(self) -> list[str]:
        return [name for name, recipe in self.recipes.items() if recipe.truth]

    @property
    def upper_bound(self) -> str:
        """Name of the recipe that is trained on truth."""
        return self._with_truth()[0]
