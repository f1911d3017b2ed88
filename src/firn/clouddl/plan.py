"""Trainings of CloudDL, and everything that each depends on but its files.

The Snakefile imports this module, so it stays light.
"""

import re
from collections.abc import Iterable

from firn.ablation.plan import Row
from firn.catalogue import SpotScene
from firn.clouddl_config import CloudDL, DemUse
from firn.config import Config, TrainingStep
from firn.spot_names import raw_name

METHOD = "clouddl"
#: Sensor of the images that it is trained on where it is judged on Sentinel-2 itself.
SENTINEL2 = "sentinel2a"
#: Variants that are.
SENTINEL2_VARIANTS = ("no-dem", "dem", "shuffled-dem")
#: Day in the name of a product, as ``SPOT4-HRVIR1-XS_20010614-110246-780_L1C``.
_DAY = re.compile(r"_(\d{8})[-T_]")


def plan_row(
    config: Config, variant: str, sensor: str, area: str, seed: int, dem: DemUse | None = None
) -> Row:
    """Describe a training of CloudDL; its elevation is that of the variant unless given."""
    settings = section(config)
    elevation = dem or settings.variants[variant][1]
    network = config.network.clouddl.model_copy(update={"dem": elevation})
    return Row(
        method=METHOD,
        recipe=variant,
        sensor=sensor,
        area=area,
        seed=seed,
        base_seed=config.seed,
        truth=False,
        emulation=config.emulation,
        split=config.split,
        network=config.network.model_copy(update={"clouddl": network}),
        training=config.training,
        # Patience without end: all variants take as many steps.
        step=TrainingStep(
            learning_rate=settings.learning_rate,
            patience=settings.epochs,
            max_epochs=settings.epochs,
        ),
        tree_cover_max=config.labels.tree_cover_max,
        inference=config.inference,
        evaluation=config.evaluation,
    )


def plan_sentinel2(config: Config, variant: str, area: str, seed: int) -> Row:
    """Describe a training on Sentinel-2 itself, whose images are taken as they are."""
    row = plan_row(config, variant, SENTINEL2, area, seed)
    training = row.training.model_copy(update={"emulation": "stored"})
    return row.model_copy(update={"training": training, "truth": True})


def plan_trial(config: Config, sensor: str, area: str) -> Row:
    """Describe the trials of a search, but for what each tries."""
    settings = section(config)
    assert settings.search is not None
    row = plan_row(config, "search", sensor, area, settings.seeds[0], config.network.clouddl.dem)
    epochs = settings.search.epochs
    step = row.step.model_copy(update={"patience": epochs, "max_epochs": epochs})
    return row.model_copy(update={"step": step})


def plan_release(config: Config, sensor: str, area: str, stage: int) -> Row:
    """Describe the training of a release; all but the first continue the one before.

    Patches of real scenes cannot be emulated anew, so those of Sentinel-2 are not either.
    """
    settings = section(config)
    assert settings.life_cycle is not None
    dem = config.network.clouddl.dem
    row = plan_row(config, f"release-{stage}", sensor, area, settings.seeds[0], dem)
    training = row.training.model_copy(update={"emulation": "stored"})
    step = row.step
    if stage:
        cycle = settings.life_cycle
        step = TrainingStep(
            learning_rate=cycle.learning_rate, patience=cycle.epochs, max_epochs=cycle.epochs
        )
    return row.model_copy(update={"training": training, "step": step})


def section(config: Config) -> CloudDL:
    """Give the section of CloudDL, which the caller knows to be there."""
    assert config.clouddl is not None
    return config.clouddl


def by_date(scenes: Iterable[SpotScene]) -> list[SpotScene]:
    """Sort SPOT scenes by the day in their names; those whose names tell none come first."""

    def day(scene: SpotScene) -> tuple[str, str]:
        if raw := raw_name(scene.scene_id):
            return f"{raw.time:%Y%m%d}", scene.scene_id
        found = _DAY.search(scene.scene_id)
        return found[1] if found else "", scene.scene_id

    return sorted(scenes, key=day)


def portions(count: int, first: int, later: int) -> list[slice]:
    """Scenes, by date, that each release after the first looks at as new.

    The first scenes make the validation database, then so many at a time are checked; a rest that
    is too small waits. There is nothing where there are too few for the database.
    """
    if count < first:
        return []
    starts = range(first, count - later + 1, later)
    return [slice(0, first), *(slice(start, start + later) for start in starts)]
