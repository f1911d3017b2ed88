"""Configuration of the companion methods, and of their training on 13 bands of Sentinel-2."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from firn.config_section import Section

#: A scene, {tile}/{date}.
Scene = Annotated[str, Field(pattern=r"^\d{2}[A-Z]{3}/\d{8}$")]


class SomSettings(Section):
    """The self-organising map and its fine-tuning."""

    rows: int = Field(20, ge=2, description="Rows of neurons")
    columns: int = Field(15, ge=2, description="Columns of neurons")
    training: Literal["batch", "online"] = Field(
        "batch", description="batch = all spectra at once; online = one after the other (published)"
    )
    epochs: int = Field(20, ge=1, description="Epochs of a batch training")
    iterations: int = Field(1_000_000, ge=1, description="Spectra of an online training")
    prior_correction: bool = Field(
        False,
        description="A neuron's vote counts each class as if all had as many spectra; false = as "
        "they come (published)",
    )
    bright_share: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="Share of bright surfaces, against cloud, in what meets a neuron, each counted "
        "as if there were as much of it, above which the neuron turns from cloud to clear",
    )
    recall_loss: float = Field(
        0.02, ge=0, le=1, description="Largest share of all cloud that may turn clear by that"
    )
    median: int = Field(3, ge=1, description="Side of the median filter of masks; odd, 1 = none")
    dilation: int = Field(3, ge=1, description="Side of the dilation of cloud; odd, 1 = none")

    @model_validator(mode="after")
    def _odd(self) -> "SomSettings":
        if not (self.median % 2 and self.dilation % 2):
            raise ValueError("median and dilation must be odd")
        return self


class PatchCnnSettings(Section):
    """The patch network and its training."""

    head: Literal["classes", "cloud"] = Field(
        "classes",
        description="classes = ground, snow and cloud; cloud = cloud or clear (published), where "
        "clear is given as ground",
    )
    activation: Literal["relu", "leaky-relu"] = Field(
        "relu", description="After convolutions; leaky-relu has the slope 0.3"
    )
    batch_norm: bool = Field(False, description="Batch normalisation after convolutions")
    dropout: float = Field(0.3, ge=0, lt=1, description="Of both dense layers")
    batch_size: int = Field(512, ge=1, description="Patches per step, of all training scenes")
    steps: int = Field(200, ge=1, description="Steps per epoch")
    epochs: int = Field(15, ge=1, description="Epochs, of which the best on tuning scenes is kept")
    learning_rate: float = Field(0.001, gt=0, description="Learning rate of Adam")


class Companions(Section):
    """Companion methods on Sentinel-2 in 13 bands at 60 m."""

    tuning: tuple[Scene, ...] = Field(
        min_length=1,
        description="Scenes, {tile}/{date}, that fine-tune the map and choose the network's epoch",
    )
    evaluation: tuple[Scene, ...] = Field(
        min_length=1, description="Scenes to be scored on; all others train"
    )
    hollstein: tuple[str, ...] = Field(
        (),
        description="Versions of the Hollstein database (HDF5) to train the map on, in place of "
        "the spectra of the training scenes",
    )
    alcd: str | None = Field(
        None,
        description="Folder with the ALCD masks of the scenes, however deep; not used with a "
        "virtual archive",
    )
    spectra_per_class: int = Field(
        100_000, ge=1, description="Most spectra of a class that are taken of a training scene"
    )
    som: SomSettings = SomSettings()
    patch_cnn: PatchCnnSettings = PatchCnnSettings()

    @model_validator(mode="after")
    def _apart(self) -> "Companions":
        if both := sorted(set(self.tuning) & set(self.evaluation)):
            raise ValueError(f"{', '.join(both)}: is in tuning and in evaluation; choose one")
        return self
