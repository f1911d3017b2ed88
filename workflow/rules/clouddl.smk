"""CloudDL (config section clouddl): its labels, controls, search, quality gate and life cycle.

REQUIRED INPUTS: Sentinel-2 products and their stacks, kde/{area}/{sensor}.nc, scenes to be judged on with masks;
                 of real products, rasters of python-fmask (clouddl.fmask)
OUTPUTS:         archive/sentinel2/{tile}/{date}/fmask.tif (virtual archive), in clouddl/
                 labels/{policy}/{tile}/{date}.tif, patches/{policy}/{tile}/{date}.nc,
                 variants/{variant}/{target}/{seed}/{model.safetensors,history.csv,row.json}, the same in
                 sentinel2/{variant}/{area}/{seed} (virtual archive), masks.json, f2.{json,html},
                 search/{target}/{trials/{trial}.json,best.json}, gate/{experiment}/{verdict.json,model.safetensors},
                 database/{target}/{scene}/{patches,images}.nc, releases/{target}/{stage}/{model.safetensors,history.csv,
                 release.json}, releases/{target}/history.html; the reference data in clouddl.reference.folder
"""

from firn.clouddl.plan import (
    SENTINEL2_VARIANTS,
    by_date,
    plan_release,
    plan_row,
    plan_sentinel2,
    plan_trial,
    portions,
)
from firn.clouddl_config import POLICIES
from firn.acquisition_config import Retries

CLOUDDL = CONFIG.clouddl
LIFE_CYCLE = CLOUDDL.life_cycle
CLOUD_REFERENCE = CLOUDDL.reference
#: What of a row's training depends on other trainings.
OTHER_STEPS = {"training": {"preliminary", "intensive"}}


wildcard_constraints:
    variant=one_of(CLOUDDL.variants),
    stage=r"\d+",
    trial=r"\d+",


def fmask_path(tile, date):
    """Raster of python-fmask of a Sentinel-2 scene."""
    if SIMULATION:
        return f"{ARCHIVE}/sentinel2/{tile}/{date}/fmask.tif"
    if CLOUDDL.fmask is None:
        raise WorkflowError("clouddl.fmask: must be given where no simulation is")
    return CLOUDDL.fmask.format(tile=tile, date=date)


def cloud_patches(area, policy):
    """Patches with the labels of a policy, of the scenes of an area."""
    folder = f"<results>/clouddl/patches/{policy}"
    return [f"{folder}/{s.tile}/{s.date}.nc" for s in area_scenes(area)]


def truth_path(tile, date):
    """True classes of a virtual Sentinel-2 scene."""
    return f"{ARCHIVE}/truth/{tile}/{date}/class.tif"


def cloud_gains(wildcards):
    """Gains that the images of a target are drawn from."""
    return "<results>/kde/{0.area}/{0.sensor}.nc".format(TARGETS[wildcards.target])


def cloud_scenes(target):
    """SPOT scenes of a target that have a mask, by date."""
    experiment = TARGETS[target]
    return by_date(SCENES.spot_scenes(experiment.sensor, experiment.area, "evaluate"))


def cloud_auxiliary(kind):
    """Input function: elevation, tree cover or water around each of the scenes of a target."""
    return lambda wildcards: [tile_auxiliary(kind, s.tile) for s in cloud_scenes(wildcards.target)]


def cloud_row(row):
    """Settings of a row, without those of other trainings."""
    return row.model_dump(mode="json", exclude=OTHER_STEPS)


def target_of(wildcards):
    """Sensor and area of a target."""
    return TARGETS[wildcards.target].sensor, TARGETS[wildcards.target].area


if SIMULATION:

    rule simulate_fmask:
        input:
            l1c=product("l1c"),
        output:
            fmask=ARCHIVE + "/sentinel2/{tile}/{date}/fmask.tif",
        log:
            "<logs>/simulate_fmask/{tile}_{date}.log",
        benchmark:
            "<benchmarks>/simulate_fmask/{tile}_{date}.tsv"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            code=code("simulate_fmask.py"),
        script:
            "../scripts/simulate_fmask.py"

    rule judge_masks:
        input:
            l2a=[s.l2a for s in SCENES.sentinel2],
            fmask=[fmask_path(s.tile, s.date) for s in SCENES.sentinel2],
            truth=[truth_path(s.tile, s.date) for s in SCENES.sentinel2],
        output:
            masks="<results>/clouddl/masks.json",
        log:
            "<logs>/judge_masks.log",
        benchmark:
            "<benchmarks>/judge_masks.tsv"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            layout=CONFIG.labels.cloud_layout,
            code=code("judge_masks.py"),
        script:
            "../scripts/judge_masks.py"


# One job writes the labels of all policies: to read the masks takes less time than to start Python.
rule cloud_labels:
    input:
        l2a=product("l2a"),
        fmask=lambda wildcards: fmask_path(wildcards.tile, wildcards.date),
        grid=rules.tile_grid.output.grid,
    output:
        labels=intermediate(
            expand(
                "<results>/clouddl/labels/{policy}/{tile}/{date}.tif",
                policy=POLICIES,
                allow_missing=True,
            )
        ),
    log:
        "<logs>/cloud_labels/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/cloud_labels/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        policies=POLICIES,
        layout=CONFIG.labels.cloud_layout,
        code=code("cloud_labels.py"),
    script:
        "../scripts/cloud_labels.py"


rule cloud_patches:
    input:
        toa=rules.toa.output.toa,
        labels=rules.cloud_labels.output.labels,
        hillshade=rules.hillshade.output.hillshade,
        dem=rules.terrain.output.dem,
    output:
        patches=intermediate(
            expand(
                "<results>/clouddl/patches/{policy}/{tile}/{date}.nc",
                policy=POLICIES,
                allow_missing=True,
            )
        ),
    log:
        "<logs>/cloud_patches/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/cloud_patches/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        settings=settings(CONFIG.patches),
        code=code("cloud_patches.py"),
    script:
        "../scripts/cloud_patches.py"


rule train_clouddl_variant:
    input:
        patches=lambda wildcards: cloud_patches(
            TARGETS[wildcards.target].area, CLOUDDL.variants[wildcards.variant][0]
        ),
        images=lambda wildcards: [cloud_gains(wildcards)],
        products=lambda wildcards: [scene_image(s.scene_id) for s in cloud_scenes(wildcards.target)],
        references=lambda wildcards: [s.reference for s in cloud_scenes(wildcards.target)],
        dem=cloud_auxiliary("dem"),
        tree_cover=cloud_auxiliary("tree_cover"),
        water=cloud_auxiliary("water"),
    output:
        model="<results>/clouddl/variants/{variant}/{target}/{seed}/model.safetensors",
        history="<results>/clouddl/variants/{variant}/{target}/{seed}/history.csv",
        row="<results>/clouddl/variants/{variant}/{target}/{seed}/row.json",
    log:
        "<logs>/train_clouddl_variant/{variant}_{target}_{seed}.log",
    benchmark:
        "<benchmarks>/train_clouddl_variant/{variant}_{target}_{seed}.tsv"
    threads: 8
    resources:
        gpu=GPUS,
        mem_mb=growing(16000),
        runtime=growing(240),
    params:
        row=lambda wildcards: cloud_row(
            plan_row(CONFIG, wildcards.variant, *target_of(wildcards), int(wildcards.seed))
        ),
        code=code("train_recipe.py", ["clouddl"]),
    script:
        "../scripts/train_recipe.py"


if SIMULATION:

    # The Sentinel-2 half of the published table: images as they were taken, judged by the truth.
    rule train_clouddl_sentinel2:
        input:
            patches=lambda wildcards: cloud_patches(
                wildcards.area, CLOUDDL.variants[wildcards.variant][0]
            ),
            l2a=lambda wildcards: [s.l2a for s in area_scenes(wildcards.area)],
            fmask=lambda wildcards: [
                fmask_path(s.tile, s.date) for s in area_scenes(wildcards.area)
            ],
            truth=lambda wildcards: [
                truth_path(s.tile, s.date) for s in area_scenes(wildcards.area)
            ],
        output:
            model="<results>/clouddl/sentinel2/{variant}/{area}/{seed}/model.safetensors",
            history="<results>/clouddl/sentinel2/{variant}/{area}/{seed}/history.csv",
            row="<results>/clouddl/sentinel2/{variant}/{area}/{seed}/row.json",
        log:
            "<logs>/train_clouddl_sentinel2/{variant}_{area}_{seed}.log",
        benchmark:
            "<benchmarks>/train_clouddl_sentinel2/{variant}_{area}_{seed}.tsv"
        threads: 8
        resources:
            gpu=GPUS,
            mem_mb=growing(16000),
            runtime=growing(240),
        params:
            row=lambda wildcards: cloud_row(
                plan_sentinel2(CONFIG, wildcards.variant, wildcards.area, int(wildcards.seed))
            ),
            layout=CONFIG.labels.cloud_layout,
            code=code("train_clouddl_sentinel2.py", ["clouddl"]),
        script:
            "../scripts/train_clouddl_sentinel2.py"


SENTINEL2_ROWS = expand(
    "<results>/clouddl/sentinel2/{variant}/{area}/{seed}/row.json",
    variant=SENTINEL2_VARIANTS,
    area=CONFIG.areas if SIMULATION else [],
    seed=CLOUDDL.seeds,
)


rule f2_table:
    input:
        rows=expand(
            rules.train_clouddl_variant.output.row,
            variant=CLOUDDL.variants,
            target=TARGETS,
            seed=CLOUDDL.seeds,
        )
        + SENTINEL2_ROWS,
        masks=rules.judge_masks.output.masks if SIMULATION else [],
    output:
        table="<results>/clouddl/f2.json",
        page=report(
            "<results>/clouddl/f2.html", caption="../report/clouddl.rst", category="CloudDL"
        ),
    log:
        "<logs>/f2_table.log",
    benchmark:
        "<benchmarks>/f2_table.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.seed,
        code=code("f2_table.py"),
    script:
        "../scripts/f2_table.py"


# The verdict on a model of the comparison, by the samples that chose its epoch; the model is copied with it.
rule cloud_gate:
    input:
        model="<results>/models/{experiment}/model.safetensors",
        samples=dataset_file("samples.csv"),
        patches=lambda wildcards: patch_files(EXPERIMENTS[wildcards.experiment]),
        pseudo=lambda wildcards: pseudo_files(EXPERIMENTS[wildcards.experiment]),
    output:
        verdict="<results>/clouddl/gate/{experiment}/verdict.json",
        model="<results>/clouddl/gate/{experiment}/model.safetensors",
    log:
        "<logs>/cloud_gate/{experiment}.log",
    benchmark:
        "<benchmarks>/cloud_gate/{experiment}.tsv"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        gate=lambda wildcards: settings(CLOUDDL.gate(EXPERIMENTS[wildcards.experiment].sensor)),
        code=method_code("cloud_gate.py"),
    script:
        "../scripts/cloud_gate.py"


rule clouddl:
    input:
        "<results>/config.yaml",
        rules.f2_table.output,
        [
            f"<results>/clouddl/gate/{name}/verdict.json"
            for name, e in EXPERIMENTS.items()
            if e.method == "clouddl"
        ],


localrules:
    clouddl,


if CLOUDDL.search:

    # The journal is no output: Snakemake would remove it where a job fails, and with it what others have told.
    rule train_clouddl_trial:
        input:
            patches=lambda wildcards: cloud_patches(TARGETS[wildcards.target].area, CLOUDDL.labels),
            images=lambda wildcards: [cloud_gains(wildcards)],
        output:
            trial="<results>/clouddl/search/{target}/trials/{trial}.json",
        log:
            "<logs>/train_clouddl_trial/{target}_{trial}.log",
        benchmark:
            "<benchmarks>/train_clouddl_trial/{target}_{trial}.tsv"
        threads: 4
        resources:
            gpu=GPUS,
            mem_mb=growing(16000),
            runtime=growing(240),
        params:
            row=lambda wildcards: cloud_row(plan_trial(CONFIG, *target_of(wildcards))),
            search=CLOUDDL.search.model_dump(mode="json", exclude={"trials"}),
            journal=str(CONFIG.root) + "/clouddl/search/{target}/journal.log",
            code=code("clouddl_trial.py", ["clouddl"]),
        script:
            "../scripts/clouddl_trial.py"

    rule clouddl_best:
        input:
            trials=expand(
                rules.train_clouddl_trial.output.trial,
                trial=range(CLOUDDL.search.trials),
                allow_missing=True,
            ),
        output:
            best="<results>/clouddl/search/{target}/best.json",
        log:
            "<logs>/clouddl_best/{target}.log",
        benchmark:
            "<benchmarks>/clouddl_best/{target}.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
        params:
            code=code("clouddl_best.py"),
        script:
            "../scripts/clouddl_best.py"

    rule clouddl_search:
        input:
            expand(rules.clouddl_best.output.best, target=TARGETS),

    localrules:
        clouddl_search,


if LIFE_CYCLE:

    def cloud_portions(target):
        """Scenes that each release after the first looks at as new."""
        scenes = cloud_scenes(target)
        later = LIFE_CYCLE.first_scenes, LIFE_CYCLE.scenes_per_check
        return [scenes[part] for part in portions(len(scenes), *later)]

    def database(target, scenes, file):
        """A file of the database of each of some scenes."""
        return [f"<results>/clouddl/database/{target}/{s.scene_id}/{file}.nc" for s in scenes]

    def database_of(file, new):
        """Input function: a file of the scenes that are new to a release, or that it has known."""

        def files(wildcards):
            parts, stage = cloud_portions(wildcards.target), int(wildcards.stage)
            chosen = parts[max(stage - 1, 0) : stage] if new else parts[: max(stage - 1, 0)]
            return database(wildcards.target, [s for part in chosen for s in part], file)

        return files

    def release_before(file):
        """Input function: a file of the release before; none before the first."""
        folder = "<results>/clouddl/releases/{}/{}/"
        return lambda wildcards: (
            folder.format(wildcards.target, int(wildcards.stage) - 1) + file
            if int(wildcards.stage)
            else []
        )

    rule cloud_database:
        input:
            product=lambda wildcards: scene_image(wildcards.scene),
            mask=lambda wildcards: SCENES.spot_scene(wildcards.scene).reference,
            dem=lambda wildcards: scene_auxiliary("dem", wildcards.scene),
        output:
            patches="<results>/clouddl/database/{target}/{scene}/patches.nc",
            images="<results>/clouddl/database/{target}/{scene}/images.nc",
        log:
            "<logs>/cloud_database/{target}_{scene}.log",
        benchmark:
            "<benchmarks>/cloud_database/{target}_{scene}.tsv"
        threads: 1
        resources:
            mem_mb=growing(8000),
            runtime=growing(30),
        params:
            sensor=lambda wildcards: sensor(TARGETS[wildcards.target].sensor),
            patches=settings(CONFIG.patches),
            confidence=LIFE_CYCLE.confidence,
            code=code("cloud_database.py"),
        script:
            "../scripts/cloud_database.py"

    rule train_clouddl_release:
        input:
            patches=lambda wildcards: cloud_patches(TARGETS[wildcards.target].area, CLOUDDL.labels),
            images=lambda wildcards: [cloud_gains(wildcards)],
            known_patches=database_of("patches", False),
            known_images=database_of("images", False),
            new_patches=database_of("patches", True),
            new_images=database_of("images", True),
            model=release_before("model.safetensors"),
            history=release_before("history.csv"),
            card=release_before("release.json"),
        output:
            model="<results>/clouddl/releases/{target}/{stage}/model.safetensors",
            history="<results>/clouddl/releases/{target}/{stage}/history.csv",
            card="<results>/clouddl/releases/{target}/{stage}/release.json",
        log:
            "<logs>/train_clouddl_release/{target}_{stage}.log",
        benchmark:
            "<benchmarks>/train_clouddl_release/{target}_{stage}.tsv"
        threads: 8
        resources:
            gpu=GPUS,
            mem_mb=growing(16000),
            runtime=growing(240),
        params:
            row=lambda wildcards: cloud_row(
                plan_release(CONFIG, *target_of(wildcards), int(wildcards.stage))
            ),
            gate=lambda wildcards: settings(CLOUDDL.gate(TARGETS[wildcards.target].sensor)),
            code=code("clouddl_release.py", ["clouddl"]),
        script:
            "../scripts/clouddl_release.py"

    rule clouddl_history:
        input:
            cards=lambda wildcards: [
                f"<results>/clouddl/releases/{wildcards.target}/{stage}/release.json"
                for stage in range(len(cloud_portions(wildcards.target)) + 1)
            ],
        output:
            page=report(
                "<results>/clouddl/releases/{target}/history.html",
                caption="../report/clouddl_history.rst",
                category="CloudDL",
                labels={"sensor": "{target}", "shows": "releases"},
            ),
        log:
            "<logs>/clouddl_history/{target}.log",
        benchmark:
            "<benchmarks>/clouddl_history/{target}.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
        params:
            code=code("clouddl_history.py", ["clouddl"]),
        script:
            "../scripts/clouddl_history.py"

    rule clouddl_life_cycle:
        input:
            expand(rules.clouddl_history.output.page, target=TARGETS),

    localrules:
        clouddl_life_cycle,


if CLOUD_REFERENCE:
    CLOUD_RETRIES = settings(CONFIG.acquisition.retries if CONFIG.acquisition else Retries())

    # On the machine that runs Snakemake: the nodes of many clusters see no network.
    rule fetch_clouds:
        output:
            index=f"{CLOUD_REFERENCE.folder}/index.json",
        log:
            "<logs>/fetch_clouds.log",
        benchmark:
            "<benchmarks>/fetch_clouds.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(1440),
            download=1,
        params:
            reference=settings(CLOUD_REFERENCE),
            retries=CLOUD_RETRIES,
            code=code("fetch_clouds.py"),
        script:
            "../scripts/fetch_clouds.py"
