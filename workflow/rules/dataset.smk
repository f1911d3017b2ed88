"""Data set of each target: split, class balance and statistics (method A.6).

REQUIRED INPUTS: patches/{tile}/{date}.nc and pseudo/{area}/{sensor}/{tile}/{date}.nc of an area
OUTPUTS:         datasets/{target}/{samples.csv,statistics.json}
"""


def patch_files(experiment):
    """Patches that an experiment learns from."""
    scenes = area_scenes(experiment.area)
    return [f"<results>/patches/{s.tile}/{s.date}.nc" for s in scenes]


def pseudo_files(experiment):
    """Pseudo-SPOT patches that an experiment learns from, in the order of `patch_files`."""
    folder = f"<results>/pseudo/{experiment.area}/{experiment.sensor}"
    return [f"{folder}/{s.tile}/{s.date}.nc" for s in area_scenes(experiment.area)]


def dataset_file(name):
    """Input function: samples.csv or statistics.json of the data set that an experiment learns from."""
    return lambda wildcards: f"<results>/datasets/{experiment_target(wildcards.experiment)}/{name}"


# The methods of a target share one data set, so that they learn from the same pixels. It needs every
# scene of the area: which scene is held out depends on which scenes there are. Where a scene cannot be
# had, the user decides to go on without it (`exclude:`); dropping it silently would change the split.
rule dataset:
    input:
        patches=lambda wildcards: patch_files(TARGETS[wildcards.target]),
        pseudo=lambda wildcards: pseudo_files(TARGETS[wildcards.target]),
    output:
        samples="<results>/datasets/{target}/samples.csv",
        statistics="<results>/datasets/{target}/statistics.json",
    log:
        "<logs>/dataset/{target}.log",
    benchmark:
        "<benchmarks>/dataset/{target}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        split=settings(CONFIG.split),
        seed=CONFIG.seed,
        code=code("dataset.py"),
    script:
        "../scripts/dataset.py"
