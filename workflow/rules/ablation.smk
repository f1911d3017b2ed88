"""The ablation (config section ablation): rows of recipe, sensor and seed, side by side.

REQUIRED INPUTS: the virtual archive, its stacks and kde/{area}/{sensor}.nc
OUTPUTS:         archive/twins/{sensor}/{tile}/{date}/{first,second}.zip, recipes/labels/{labels}/{tile}/{date}.tif,
                 recipes/patches/{labels}/{tile}/{date}.nc, recipes/twins/{sensor}/{tile}/{date}/{first,second}.nc,
                 recipes/{recipe}/{sensor}/{seed}/{model.safetensors,history.csv,row.json},
                 recipes/{distances,crops}/{sensor}.json, ablation.{json,html,png}, losses/{sensor}.png
"""

from firn.ablation.plan import label_set, plan_row
from firn.ablation_config import FULL, REFERENCE

RECIPES = tuple(CONFIG.ablation.recipes)

#: Labels of each recipe: the name of a filter, or "truth".
LABEL_SETS = {recipe: label_set(CONFIG, recipe) for recipe in RECIPES}

TRAINING_AREA = next(iter(CONFIG.areas))


wildcard_constraints:
    recipe=one_of(RECIPES),
    labels=one_of(sorted({*LABEL_SETS.values()})),


def patches_of(recipe):
    """Patches with the labels of a recipe, of all scenes."""
    folder = f"<results>/recipes/patches/{LABEL_SETS[recipe]}"
    return [f"{folder}/{s.tile}/{s.date}.nc" for s in area_scenes(TRAINING_AREA)]


def twins_of(sensor, camera):
    """Patches of the twins, in the order of `patches_of`."""
    folder = f"<results>/recipes/twins/{sensor}"
    return [f"{folder}/{s.tile}/{s.date}/{camera}.nc" for s in area_scenes(TRAINING_AREA)]


def images_of(wildcards):
    """What a row's images are made from: the gains to draw, or the twins."""
    if CONFIG.ablation.recipes[wildcards.recipe].truth:
        return twins_of(wildcards.sensor, "first")
    return [f"<results>/kde/{TRAINING_AREA}/{wildcards.sensor}.nc"]


def scored_scenes(sensor):
    """Scenes that the rows of a sensor are scored on."""
    return SCENES.spot_scenes(sensor, TRAINING_AREA, "evaluate")


def models_by_recipe(models):
    """Models of each recipe, of which there are as many as seeds."""
    seeds = len(CONFIG.ablation.seeds)
    return {recipe: models[i * seeds : (i + 1) * seeds] for i, recipe in enumerate(RECIPES)}


def row_settings(wildcards):
    """Settings of a row, without those of other trainings."""
    row = plan_row(CONFIG, wildcards.recipe, wildcards.sensor, int(wildcards.seed))
    others = {"training": {"preliminary", "intensive"}, "network": {"clouddl"}}
    return row.model_dump(mode="json", exclude=others)


# One job per scene, as for the emulation: to render a twin takes little more time than to start Python.
rule simulate_twins:
    input:
        relief=lambda wildcards: relief(wildcards.tile),
        spectra=SPECTRA,
        responses=sorted({path for name in CONFIG.sensors for path in responses(name)}),
    output:
        first=expand(
            ARCHIVE + "/twins/{sensor}/{tile}/{date}/first.zip",
            sensor=CONFIG.sensors,
            allow_missing=True,
        ),
        second=expand(
            ARCHIVE + "/twins/{sensor}/{tile}/{date}/second.zip",
            sensor=CONFIG.sensors,
            allow_missing=True,
        ),
    log:
        "<logs>/simulate_twins/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/simulate_twins/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        simulation=lambda wildcards: simulation(sentinel2={wildcards.tile: (wildcards.date,)}),
        platforms=[load_sensor(name).platform for name in CONFIG.sensors],
        seed=CONFIG.seed,
        code=code("simulate_twins.py"),
    script:
        "../scripts/simulate_twins.py"


rule true_labels:
    input:
        truth=ARCHIVE + "/truth/{tile}/{date}/class.tif",
        exclusion=rules.terrain.output.exclusion,
    output:
        labels="<results>/recipes/labels/truth/{tile}/{date}.tif",
    log:
        "<logs>/true_labels/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/true_labels/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("true_labels.py"),
    script:
        "../scripts/true_labels.py"


use rule labels as recipe_labels with:
    output:
        labels="<results>/recipes/labels/{labels}/{tile}/{date}.tif",
    log:
        "<logs>/recipe_labels/{labels}_{tile}_{date}.log",
    benchmark:
        "<benchmarks>/recipe_labels/{labels}_{tile}_{date}.tsv"
    wildcard_constraints:
        labels=one_of(sorted({*LABEL_SETS.values()} - {"truth"})),
    params:
        settings=lambda wildcards: {**settings(CONFIG.labels), "filter": wildcards.labels},
        code=code("labels.py"),


use rule patches as recipe_patches with:
    input:
        toa=rules.toa.output.toa,
        labels="<results>/recipes/labels/{labels}/{tile}/{date}.tif",
        hillshade=rules.hillshade.output.hillshade,
        dem=rules.terrain.output.dem,
    output:
        patches="<results>/recipes/patches/{labels}/{tile}/{date}.nc",
    log:
        "<logs>/recipe_patches/{labels}_{tile}_{date}.log",
    benchmark:
        "<benchmarks>/recipe_patches/{labels}_{tile}_{date}.tsv"


rule twin_patches:
    input:
        products=[*rules.simulate_twins.output.first, *rules.simulate_twins.output.second],
        patches=f"<results>/recipes/patches/{LABEL_SETS[FULL]}" + "/{tile}/{date}.nc",
    output:
        patches=expand(
            "<results>/recipes/twins/{sensor}/{tile}/{date}/{camera}.nc",
            camera=("first", "second"),
            sensor=CONFIG.sensors,
            allow_missing=True,
        ),
    log:
        "<logs>/twin_patches/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/twin_patches/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        sensors=[sensor(name) for name in CONFIG.sensors],
        code=code("twin_patches.py"),
    script:
        "../scripts/twin_patches.py"


rule train_recipe:
    input:
        patches=lambda wildcards: patches_of(wildcards.recipe),
        images=images_of,
        products=lambda wildcards: [s.path for s in scored_scenes(wildcards.sensor)],
        references=lambda wildcards: [s.reference for s in scored_scenes(wildcards.sensor)],
        situations=lambda wildcards: [
            str(strata_path(s.reference)) for s in scored_scenes(wildcards.sensor)
        ],
        dem=lambda wildcards: [
            tile_auxiliary("dem", s.tile) for s in scored_scenes(wildcards.sensor)
        ],
        tree_cover=lambda wildcards: [
            tile_auxiliary("tree_cover", s.tile) for s in scored_scenes(wildcards.sensor)
        ],
        water=lambda wildcards: [
            tile_auxiliary("water", s.tile) for s in scored_scenes(wildcards.sensor)
        ],
    output:
        model="<results>/recipes/{recipe}/{sensor}/{seed}/model.safetensors",
        history="<results>/recipes/{recipe}/{sensor}/{seed}/history.csv",
        row="<results>/recipes/{recipe}/{sensor}/{seed}/row.json",
    log:
        "<logs>/train_recipe/{recipe}_{sensor}_{seed}.log",
    benchmark:
        "<benchmarks>/train_recipe/{recipe}_{sensor}_{seed}.tsv"
    threads: 8
    resources:
        gpu=GPUS,
        mem_mb=growing(16000),
        runtime=growing(240),
    params:
        row=row_settings,
        code=code("train_recipe.py"),
    script:
        "../scripts/train_recipe.py"


rule distances:
    input:
        patches=patches_of(FULL),
        first=lambda wildcards: twins_of(wildcards.sensor, "first"),
        second=lambda wildcards: twins_of(wildcards.sensor, "second"),
    output:
        distances="<results>/recipes/distances/{sensor}.json",
    log:
        "<logs>/distances/{sensor}.log",
    benchmark:
        "<benchmarks>/distances/{sensor}.tsv"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        sensor=lambda wildcards: sensor(wildcards.sensor),
        recipes={name: settings(CONFIG.with_recipe(name).emulation) for name in (REFERENCE, FULL)},
        seed=CONFIG.seed,
        code=code("distances.py"),
    script:
        "../scripts/distances.py"


# All recipes are shown the same images: those of the recipe full.
rule recipe_crops:
    input:
        models=expand(
            rules.train_recipe.output.model,
            recipe=RECIPES,
            seed=CONFIG.ablation.seeds,
            allow_missing=True,
        ),
        kde=f"<results>/kde/{TRAINING_AREA}/{{sensor}}.nc",
        crops=packaged("crops/crops.yaml"),
    output:
        crops="<results>/recipes/crops/{sensor}.json",
    log:
        "<logs>/recipe_crops/{sensor}.log",
    benchmark:
        "<benchmarks>/recipe_crops/{sensor}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        models=lambda wildcards, input: models_by_recipe(input.models),
        sensor=lambda wildcards: sensor(wildcards.sensor),
        emulation=settings(CONFIG.with_recipe(FULL).emulation),
        seed=CONFIG.seed,
        code=code("recipe_crops.py"),
    script:
        "../scripts/recipe_crops.py"


rule ablation_table:
    input:
        rows=expand(
            rules.train_recipe.output.row,
            recipe=RECIPES,
            sensor=CONFIG.sensors,
            seed=CONFIG.ablation.seeds,
        ),
        histories=expand(
            rules.train_recipe.output.history,
            recipe=RECIPES,
            sensor=CONFIG.sensors,
            seed=CONFIG.ablation.seeds,
        ),
        distances=expand(rules.distances.output.distances, sensor=CONFIG.sensors),
        crops=expand(rules.recipe_crops.output.crops, sensor=CONFIG.sensors),
    output:
        table="<results>/ablation.json",
        page=report(
            "<results>/ablation.html", caption="../report/ablation.rst", category="Ablation"
        ),
        figure=report(
            "<results>/ablation.png", caption="../report/ablation.rst", category="Ablation"
        ),
        losses=report(
            expand("<results>/losses/{sensor}.png", sensor=CONFIG.sensors),
            caption="../report/losses.rst",
            category="Ablation",
        ),
    log:
        "<logs>/ablation_table.log",
    benchmark:
        "<benchmarks>/ablation_table.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        upper_bound=CONFIG.ablation.upper_bound,
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.seed,
        code=code("ablation_table.py"),
    script:
        "../scripts/ablation_table.py"


localrules:
    ablation,


rule ablation:
    input:
        "<results>/config.yaml",
        rules.ablation_table.output,
