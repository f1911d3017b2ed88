"""Published maps of the SPOT scenes.

REQUIRED INPUTS: models/{experiment}/model.safetensors, a SPOT product or ortho/{scene}.tif, dem, tree cover, water
OUTPUTS:         maps/{experiment}/{scene}/{snow.tif,snow.tif.aux.xml,probability.tif,quality.tif,item.json},
                 catalog.json, catalogue/, scenes.parquet, scenes.csv,
                 and where inference.scenes_per_job is above 1: store/{experiment}/{scene}/{key}/, to which
                 these are links, maps/batches/{target}/{batch}.tsv and maps/{outcomes,mapped,failed}.tsv
"""

from functools import cache

from firn.batches import compose, read_outcomes

MAP_FILES = ("snow.tif", "snow.tif.aux.xml", "probability.tif", "quality.tif", "item.json")

#: What a map depends on; how scenes are put into jobs changes none.
#: A GPU is shared by the scenes of a batch: most of their time goes into reading and writing.
ON_GPU = CONFIG.inference.device != "cpu"
INFERENCE = CONFIG.inference.model_dump(mode="json", exclude={"scenes_per_job"})

#: Batches of each target. Scenes that are judged have jobs of their own, for other rules read their maps,
#: and so have Level-1A scenes: one that cannot be put on the map would hold up its batch.
BATCHES = {
    target: compose(
        [
            scene
            for scene in SCENES.spot_scenes(e.sensor, e.area, "classify")
            if CONFIG.inference.scenes_per_job > 1 and not scene.is_raw
        ],
        CONFIG.inference.scenes_per_job,
    )
    for target, e in TARGETS.items()
}
BATCHED = {
    (target, scene.scene_id): f"{CONFIG.root}/maps/batches/{target}/{batch}.tsv"
    for target, batches in BATCHES.items()
    for batch, scenes in batches.items()
    for scene in scenes
}


def batch_files(wildcards):
    """Products of a batch and what lies around them; those that are missing fail their scene only."""
    files = {file for _, *row in batch_rows(wildcards) for file in row}
    return sorted(files - MISSING)


def batch_rows(wildcards):
    """Identifier, product, dem, tree cover and water of each scene of a batch."""
    return [
        (s.scene_id, s.path, *(tile_auxiliary(k, s.tile) for k in ("dem", "tree_cover", "water")))
        for s in BATCHES[wildcards.target][wildcards.batch]
    ]


@cache
def single_maps():
    """Files of maps that have a job of their own: of scenes without a batch, and those lost since theirs."""
    done = {
        (Path(table).parent.name, outcome.scene_id)
        for table in set(BATCHED.values())
        if exists(table)
        for outcome in read_outcomes(table)
        if outcome.state == "mapped"
    }
    single = []
    for experiment in EXPERIMENTS:
        target = experiment_target(experiment)
        folder = f"{CONFIG.root}/maps/{experiment}"
        for scene in target_scenes(target, "evaluate", "classify"):
            files = [f"{folder}/{scene}/{file}" for file in MAP_FILES]
            if (target, scene) not in BATCHED:
                single += files
            elif (target, scene) in done and not all(map(exists, files)):
                single += files
    return single


def map_models(wildcards):
    """Models that maps are made with; that of CloudDL bears the verdict of its quality gate."""
    judged = {"clouddl": "clouddl/gate"} if CONFIG.clouddl else {}
    return [
        f"<results>/{judged.get(method, 'models')}/{method}-{wildcards.target}/model.safetensors"
        for method in CONFIG.methods
    ]


# One job per scene applies every method of the scene's target: reading and warping the scene, its
# relief and the start of Python are paid once, and a scene that cannot be read costs itself only.
# It makes the map of a scene of a batch, too, when that is asked for by its name.
rule classify:
    input:
        product=lambda wildcards: scene_image(wildcards.scene),
        dem=lambda wildcards: scene_auxiliary("dem", wildcards.scene),
        tree_cover=lambda wildcards: scene_auxiliary("tree_cover", wildcards.scene),
        water=lambda wildcards: scene_auxiliary("water", wildcards.scene),
        models=map_models,
    output:
        snow=expand(
            "<results>/maps/{method}-{target}/{scene}/snow.tif",
            method=CONFIG.methods,
            allow_missing=True,
        ),
        legend=expand(
            "<results>/maps/{method}-{target}/{scene}/snow.tif.aux.xml",
            method=CONFIG.methods,
            allow_missing=True,
        ),
        probability=expand(
            "<results>/maps/{method}-{target}/{scene}/probability.tif",
            method=CONFIG.methods,
            allow_missing=True,
        ),
        quality=expand(
            "<results>/maps/{method}-{target}/{scene}/quality.tif",
            method=CONFIG.methods,
            allow_missing=True,
        ),
        item=expand(
            "<results>/maps/{method}-{target}/{scene}/item.json",
            method=CONFIG.methods,
            allow_missing=True,
        ),
    log:
        "<logs>/classify/{target}_{scene}.log",
    benchmark:
        "<benchmarks>/classify/{target}_{scene}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        gpu=int(ON_GPU),
        runtime=growing(60),
    params:
        sensor=lambda wildcards: sensor(TARGETS[wildcards.target].sensor),
        settings=INFERENCE,
        tree_cover_max=CONFIG.labels.tree_cover_max,
        code=code("classify.py"),
    script:
        "../scripts/classify.py"


if BATCHED:

    # A batch declares its table only: Snakemake would delete the maps of a job that was killed, and cannot
    # declare those of a scene that fails. Finished maps wait in a store for the next attempt.
    rule classify_batch:
        input:
            files=batch_files,
            models=map_models,
        output:
            table="<results>/maps/batches/{target}/{batch}.tsv",
        log:
            "<logs>/classify_batch/{target}_{batch}.log",
        benchmark:
            "<benchmarks>/classify_batch/{target}_{batch}.tsv"
        wildcard_constraints:
            batch=r"[\w-]+",
        threads: 4 if ON_GPU else 1
        resources:
            mem_mb=growing(10000 if ON_GPU else 4000),
            gpu=int(ON_GPU),
            runtime=growing(20 * CONFIG.inference.scenes_per_job),
        params:
            scenes=batch_rows,
            experiments=lambda wildcards: [f"{m}-{wildcards.target}" for m in CONFIG.methods],
            sensor=lambda wildcards: sensor(TARGETS[wildcards.target].sensor),
            settings=INFERENCE,
            tree_cover_max=CONFIG.labels.tree_cover_max,
            root=str(CONFIG.root),
            code=code("classify_batch.py"),
        script:
            "../scripts/classify_batch.py"

    rule batch_outcomes:
        input:
            tables=sorted(set(BATCHED.values())),
        output:
            outcomes="<results>/maps/outcomes.tsv",
        log:
            "<logs>/batch_outcomes.log",
        benchmark:
            "<benchmarks>/batch_outcomes.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            code=code("batch_outcomes.py"),
        script:
            "../scripts/batch_outcomes.py"

    rule batch_summary:
        input:
            tables=rules.batch_outcomes.input.tables,
            # It removes tables that those were made of.
            outcomes=rules.batch_outcomes.output.outcomes,
        output:
            mapped="<results>/maps/mapped.tsv",
        log:
            "<logs>/batch_summary.log",
        benchmark:
            "<benchmarks>/batch_summary.tsv"
        # The tables of failed scenes are gone, for the next call to make.
        retries: 0
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            failed=f"{CONFIG.root}/maps/failed.tsv",
            code=code("batch_summary.py"),
        script:
            "../scripts/batch_summary.py"


# A scene that fails costs the catalogue that scene only; those with a job of their own must be there.
# How many years there are is known only when the maps are there: their catalogues are a folder.
rule stac_catalogue:
    input:
        single=lambda wildcards: [file for file in single_maps() if file.endswith("item.json")],
        outcomes=[rules.batch_outcomes.output.outcomes] if BATCHED else [],
    output:
        catalogue="<results>/catalog.json",
        collections=directory("<results>/catalogue"),
        parquet="<results>/scenes.parquet",
        table="<results>/scenes.csv",
    log:
        "<logs>/stac_catalogue.log",
    benchmark:
        "<benchmarks>/stac_catalogue.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        maps=f"{CONFIG.root}/maps",
        methods=CONFIG.methods,
        code=code("stac_catalogue.py"),
    script:
        "../scripts/stac_catalogue.py"


rule maps:
    input:
        lambda wildcards: single_maps(),
        rules.batch_summary.output if BATCHED else [],
        rules.stac_catalogue.output,
