"""Configuration of CloudDL: a cloud mask learnt on one sensor for another (Kettig et al. 2020)."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from firn.config_section import Section

#: Which automatic masks teach: one of them, or where they agree.
LabelPolicy = Literal["maja", "fmask", "agree"]
POLICIES: tuple[LabelPolicy, ...] = get_args(LabelPolicy)
DemUse = Literal["real", "none", "shuffled"]
Share = Annotated[float, Field(ge=0, le=1)]
#: Key of the gate of sensors that have none of their own.
ANY_SENSOR = "default"


class CloudDLNetwork(Section):
    """Shape of the network of CloudDL.

    The publication names a U-Net with batch normalisation and dropout; depth, width and pixel size
    are not published and chosen here.
    """

    width: int = Field(32, ge=1, description="Filters of the finest level; each level doubles them")
    depth: int = Field(4, ge=1, description="Poolings")
    kernel: Literal[3, 5, 7] = Field(3, description="Side of the convolutions, pixels")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="Share of features that a training step leaves out"
    )
    resolution: Literal[20, 60, 120, 240] = Field(
        60, description="Pixel size that the network works at, m; its mask is given at 20 m"
    )
    dem: DemUse = Field(
        "real",
        description="Elevation that it is trained with; shuffled = that of other patches, a "
        "control that shows what the channel itself brings",
    )
    blue_dropout: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of training patches whose blue band is hidden, where the sensor has "
        "one; 1 = the band is left out",
    )


class SearchSpace(Section):
    """What a search tries; the publication names dropout and "filter size", which may mean both."""

    dropout: tuple[float, float] = Field((0.0, 0.5), description="Lowest and highest dropout")
    kernel: tuple[Literal[3, 5, 7], ...] = Field(
        (3, 5), min_length=1, description="Sides of the convolutions, pixels"
    )
    width: tuple[int, ...] = Field(
        (16, 32, 48), min_length=1, description="Filters of the finest level"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "SearchSpace":
        low, high = self.dropout
        if not 0 <= low <= high < 1:
            raise ValueError(f"dropout ({low}, {high}) must be two rising numbers from 0 to 1")
        return self


class Search(Section):
    """Search of the network's shape by the F2 of cloud on the validation split."""

    trials: int = Field(40, ge=1, description="Trainings, each a job of its own")
    epochs: int = Field(20, ge=1, description="Epochs of a training that is not pruned")
    startup_trials: int = Field(
        10, ge=0, description="Trials that are drawn at random and never pruned"
    )
    space: SearchSpace = SearchSpace()


class Gate(Section):
    """Least scores of cloud on validation scenes, pooled over their pixels."""

    f2: Share = Field(0.85, description="Least F2, which weighs recall more")
    recall: Share = Field(0.0, description="Least share of cloud that is found")
    precision: Share = Field(0.0, description="Least share of found cloud that is cloud")
    mean_f2: Share = Field(0.0, description="Least mean of the F2 of scenes with cloud")


class LifeCycle(Section):
    """From emulated images to a model that is watched, on the scenes whose role is evaluate."""

    first_scenes: int = Field(
        4, ge=2, description="First scenes of a sensor: its validation database"
    )
    scenes_per_check: int = Field(
        4, ge=2, description="New scenes that a quality check looks at; a smaller rest waits"
    )
    learning_rate: float = Field(3e-4, gt=0, description="Learning rate of a retraining")
    epochs: int = Field(20, ge=1, description="Epochs of a retraining")
    confidence: int = Field(
        0, ge=0, le=255, description="Least confidence of the pixels of an ALCD mask"
    )


class ReferenceData(Section):
    """Public reference data of cloud masks, and the Level-1C products that they are of."""

    folder: str = Field("data/clouds", description="Folder of the files")
    alcd: str | None = Field(
        "https://zenodo.org/api/records/1460961",
        description="Record of the ALCD masks at Zenodo; null = none",
    )
    hollstein: tuple[str, ...] = Field(
        (),
        description="Addresses of the HDF5 files of the Hollstein database, which has moved more "
        "than once",
    )
    provider: str | None = Field(
        "cop_dataspace",
        description="eodag's name of the provider of the Level-1C products; null = none is fetched",
    )
    collection: str = Field("S2_MSI_L1C", description="Their collection there")
    splits: dict[str, dict[str, tuple[str, ...]]] = Field(
        {
            "clouddl": {"evaluation": ("Reference_dataset",)},
            "som": {"evaluation": ("Reference_dataset",)},
        },
        description="By method, the scenes of each split: names of products, or of the folder of "
        "the data set that they lie in",
    )


class CloudDL(Section):
    """CloudDL beyond the comparison of methods: labels, controls, search, gate and life cycle."""

    labels: LabelPolicy = Field("agree", description="Which automatic masks teach the variants")
    fmask: str | None = Field(
        None,
        description="Rasters of python-fmask, with {tile} and {date} in the path; not used with a "
        "virtual archive",
    )
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate of Adam")
    epochs: int = Field(30, ge=1, description="Epochs of a training, without stopping early")
    seeds: tuple[int, ...] = Field((1,), min_length=1, description="Seeds of each variant")
    search: Search | None = Field(None, description="Search of the network's shape; null = none")
    gates: dict[str, Gate] = Field(
        {ANY_SENSOR: Gate()},
        description=f"Gate by sensor; {ANY_SENSOR} is that of those without one",
    )
    life_cycle: LifeCycle | None = Field(
        None, description="Releases and their checks, scene by scene; null = none"
    )
    reference: ReferenceData | None = Field(
        None, description="Reference data to fetch; null = none"
    )

    @model_validator(mode="after")
    def _one_gate_for_all(self) -> "CloudDL":
        if ANY_SENSOR not in self.gates:
            raise ValueError(f"gates: needs one named {ANY_SENSOR}")
        return self

    def gate(self, sensor: str) -> Gate:
        """Gate of a sensor."""
        return self.gates.get(sensor, self.gates[ANY_SENSOR])

    @property
    def variants(self) -> dict[str, tuple[LabelPolicy, DemUse]]:
        """Labels and elevation of each variant, by name; the first three share their labels."""
        others = {f"labels-{policy}": policy for policy in POLICIES if policy != self.labels}
        return {
            "no-dem": (self.labels, "none"),
            "dem": (self.labels, "real"),
            "shuffled-dem": (self.labels, "shuffled"),
            **{name: (policy, "real") for name, policy in others.items()},
        }
