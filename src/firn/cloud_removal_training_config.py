"""Configuration of the networks of the cloud removal, their training and their evaluation."""

from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from firn.config_section import Section

GeneratorName = Literal["original", "fast", "residual"]
Labels = tuple[float, float]


class OriginalSettings(Section):
    """The published generator, at full resolution."""

    width: int = Field(
        64, ge=1, description="Channels of the first convolution; the blocks have 4 x as many"
    )
    blocks: int = Field(9, ge=1, description="Residual blocks")
    dropout: float = Field(0.5, ge=0, lt=1, description="Share of features left out in training")


class FastSettings(Section):
    """Generator at reduced resolution."""

    width: int = Field(128, ge=1, description="Channels of the residual blocks")
    blocks: int = Field(9, ge=1, description="Residual blocks")
    reduction: int = Field(4, ge=1, description="Side of the block of pixels that they see as one")
    detail: int = Field(24, ge=1, description="Channels at full resolution")


class ResidualSettings(Section):
    """Baseline without an adversary, like DSen2-CR."""

    width: int = Field(256, ge=1, description="Channels")
    blocks: int = Field(16, ge=1, description="Residual blocks")


class DiscriminatorSettings(Section):
    """PatchGAN that judges windows of 70 x 70 pixels."""

    widths: tuple[int, int, int, int] = Field(
        (64, 256, 256, 512), description="Channels after each convolution but the last"
    )


class SimulationNetworks(Section):
    """Networks that are trained and compared."""

    generators: tuple[GeneratorName, ...] = Field(
        ("original", "fast", "residual"), min_length=1, description="Generators to train"
    )
    original: OriginalSettings = OriginalSettings()
    fast: FastSettings = FastSettings()
    residual: ResidualSettings = ResidualSettings()
    discriminator: DiscriminatorSettings = DiscriminatorSettings()

    @model_validator(mode="after")
    def _each_once(self) -> "SimulationNetworks":
        if len(self.generators) != len(set(self.generators)):
            raise ValueError("generators: each can be named once")
        return self

    def architecture(self, name: GeneratorName) -> dict[str, Any]:
        """Give what `firn.cloud_removal.networks.build_generator` takes."""
        section: BaseModel = getattr(self, name)
        return {"name": name} | section.model_dump()


class SimulationTraining(Section):
    """Training of a generator; the defaults are the published ones."""

    epochs: int = Field(700, ge=1, description="Epochs, of which the best on validation is kept")
    batch_size: int = Field(2, ge=1, description="Tiles per step")
    learning_rate: float = Field(1e-4, gt=0, description="Learning rate of both Adams")
    decay: float = Field(
        0,
        ge=0,
        le=1,
        description="Share of the epochs, at the end, in which the learning rate falls to 0 in a "
        "line; 0 = it stays",
    )
    beta1: float = Field(0.5, ge=0, lt=1, description="Decay of Adam's first moment")
    l1_weight: float = Field(
        100, gt=0, description="Weight of the absolute error beside the adversarial loss"
    )
    adversarial: Literal["bce", "least-squares"] = Field(
        "bce",
        description="Loss of the discriminator's verdicts: binary cross-entropy, or least squares",
    )
    real_labels: Labels = Field(
        (1, 1),
        description="Range that the label of a batch of real images is drawn from; "
        "(0.7, 1) = smooth",
    )
    fake_labels: Labels = Field(
        (0, 0),
        description="Range that the label of a batch of simulated images is drawn from; "
        "(0, 0.2) = smooth",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto = bfloat16 where the CPU or GPU has matrix units for it"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto = a GPU if there is one; cuda without one is an error"
    )
    processes: int = Field(1, ge=1, description="Processes that share each batch of a training")

    @model_validator(mode="after")
    def _labels_are_ranges(self) -> "SimulationTraining":
        for name in ("real_labels", "fake_labels"):
            low, high = getattr(self, name)
            if not 0 <= low <= high <= 1:
                raise ValueError(f"{name}: must be two numbers from 0 to 1, the lower one first")
        return self


class SimulationEvaluation(Section):
    """Evaluation of simulated images."""

    panels: int = Field(4, ge=1, description="Test tiles that the report shows")
