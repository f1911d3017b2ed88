"""Every method beside every other: accuracy against time and size, by stratum, with paired tests.

REQUIRED INPUTS: models, their scores on the scenes whose role is evaluate, the benchmarks of their trainings
OUTPUTS:         evaluation/let-it-snow-{target}/historical.json, costs/{experiment}.json, comparison.{json,html},
                 figures/compare/{costs,strata/{target}}.png; with companions, those on Sentinel-2 too
"""

from firn.companions.plan import COSTED, told_apart
from firn.snow_bands import LET_IT_SNOW, snow_bands

#: Bands that Let-it-snow reads, of each target that has them and scenes to be judged on.
LIS_BANDS = {
    target: bands
    for target in JUDGED_TARGETS
    if (bands := snow_bands(load_sensor(TARGETS[target].sensor)))
}


def training_benchmarks(experiment):
    """Benchmarks of the jobs that made a model."""
    made_by = METHODS[EXPERIMENTS[experiment].method].made_by
    if made_by != "train":
        return [f"{CONFIG.root}/benchmarks/{made_by}/{experiment}.tsv"]
    seeds = CONFIG.training.preliminary.seeds
    jobs = [f"train_preliminary/{experiment}_{seed}" for seed in seeds]
    return [
        f"{CONFIG.root}/benchmarks/{job}.tsv" for job in (*jobs, f"train_intensive/{experiment}")
    ]


# One job measures all methods of a target. Their trainings' benchmarks are by-products that no rule can ask
# for; with the models they are there.
rule measure_models:
    input:
        models=expand(
            "<results>/models/{method}-{target}/model.safetensors",
            method=CONFIG.methods,
            allow_missing=True,
        ),
    output:
        costs=expand(
            "<results>/costs/{method}-{target}.json", method=CONFIG.methods, allow_missing=True
        ),
    log:
        "<logs>/measure_models/{target}.log",
    benchmark:
        "<benchmarks>/measure_models/{target}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        benchmarks=lambda wildcards: [
            training_benchmarks(f"{method}-{wildcards.target}") for method in CONFIG.methods
        ],
        code=code("measure_models.py"),
    script:
        "../scripts/measure_models.py"


# Let-it-snow needs no training: it is a row of its own where a sensor has its bands. The maps that the report
# shows lend it their grid and quality.
rule evaluate_lis:
    input:
        product=lambda wildcards: [
            scene_image(scene) for scene in target_scenes(wildcards.target, "evaluate")
        ],
        snow=lambda wildcards: judged_maps(SHOWN[wildcards.target], "snow.tif"),
        probability=lambda wildcards: judged_maps(SHOWN[wildcards.target], "probability.tif"),
        quality=lambda wildcards: judged_maps(SHOWN[wildcards.target], "quality.tif"),
        item=lambda wildcards: judged_maps(SHOWN[wildcards.target], "item.json"),
        reference=lambda wildcards: judged_references(SHOWN[wildcards.target]),
        strata=lambda wildcards: judged_strata(SHOWN[wildcards.target]),
        dem=lambda wildcards: judged_dems(SHOWN[wildcards.target]),
    output:
        metrics=f"<results>/evaluation/{LET_IT_SNOW}-{{target}}/historical.json",
    log:
        "<logs>/evaluate_lis/{target}.log",
    benchmark:
        "<benchmarks>/evaluate_lis/{target}.tsv"
    wildcard_constraints:
        target=one_of(LIS_BANDS),
    threads: 1
    resources:
        mem_mb=growing(16000),
        runtime=growing(120),
    params:
        experiment=lambda wildcards: settings(TARGETS[wildcards.target]) | {"method": LET_IT_SNOW},
        bands=lambda wildcards: LIS_BANDS[wildcards.target],
        sensor=lambda wildcards: sensor(TARGETS[wildcards.target].sensor),
        settings=settings(CONFIG.evaluation),
        seed=CONFIG.seed,
        code=code("evaluate_lis.py"),
    script:
        "../scripts/evaluate_lis.py"


rule compare:
    input:
        metrics=[f"<results>/evaluation/{name}/historical.json" for name in JUDGED]
        + expand(rules.evaluate_lis.output.metrics, target=LIS_BANDS),
        costs=expand("<results>/costs/{experiment}.json", experiment=JUDGED)
        + expand(
            "<results>/companions/costs/{method}-sentinel2.json",
            method=COSTED if CONFIG.companions else [],
        ),
        # An empty list where no companion is trained on Sentinel-2.
        companions="<results>/companions/scores.json" if CONFIG.companions else [],
    output:
        table="<results>/comparison.json",
        page=report(
            "<results>/comparison.html",
            caption="../report/compare.rst",
            category="Methods",
            labels={"sensor": "all", "shows": "table"},
        ),
        costs=report(
            "<results>/figures/compare/costs.png",
            caption="../report/compare.rst",
            category="Methods",
            labels={"sensor": "all", "shows": "accuracy against cost"},
        ),
        strata=[
            report(
                f"<results>/figures/compare/strata/{target}.png",
                caption="../report/compare_strata.rst",
                category="Methods",
                labels={"sensor": target, "shows": "strata"},
            )
            for target in (*JUDGED_TARGETS, *(["sentinel2"] if CONFIG.companions else []))
        ],
    log:
        "<logs>/compare.log",
    benchmark:
        "<benchmarks>/compare.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        tells={name: method.tells for name, method in METHODS.items()} | {LET_IT_SNOW: "snow"},
        companions=told_apart(CONFIG.companions) if CONFIG.companions else {},
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.seed,
        code=code("compare.py"),
    script:
        "../scripts/compare.py"


rule scores:
    input:
        rules.comparison.output,
        rules.compare.output if JUDGED else [],
        expand(rules.real_crops.output, target=TARGETS),
