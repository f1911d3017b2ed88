"""Scores (method B.2, B.3) and their comparison.

REQUIRED INPUTS: models, the held-out samples, the maps of the scenes whose role is evaluate, and
                 their reference rasters (for a virtual archive, the truth)
OUTPUTS:         evaluation/{experiment}/{pseudo,historical}.json, evaluation/comparison.csv
"""

#: Experiments with a scene to be judged on.
JUDGED = [name for name in EXPERIMENTS if target_scenes(experiment_target(name), "evaluate")]


def judged_maps(file):
    """Input function: a file of each map that an experiment is judged on."""
    return lambda wildcards: [
        f"<results>/maps/{wildcards.experiment}/{scene}/{file}"
        for scene in target_scenes(experiment_target(wildcards.experiment), "evaluate")
    ]


rule evaluate_pseudo:
    input:
        model="<results>/models/{experiment}/model.safetensors",
        samples="<results>/datasets/{experiment}/samples.csv",
        statistics="<results>/datasets/{experiment}/statistics.json",
        patches=lambda wildcards: patch_files(EXPERIMENTS[wildcards.experiment]),
        pseudo=lambda wildcards: pseudo_files(EXPERIMENTS[wildcards.experiment]),
    output:
        metrics="<results>/evaluation/{experiment}/pseudo.json",
    log:
        "<logs>/evaluate_pseudo/{experiment}.log",
    benchmark:
        "<benchmarks>/evaluate_pseudo/{experiment}.tsv"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=120,
    params:
        experiment=lambda wildcards: settings(EXPERIMENTS[wildcards.experiment]),
        settings=settings(CONFIG.evaluation),
        seed=CONFIG.seed,
        code=code("evaluate_pseudo.py"),
    script:
        "../scripts/evaluate_pseudo.py"


rule evaluate_historical:
    input:
        snow=judged_maps("snow.tif"),
        probability=judged_maps("probability.tif"),
        quality=judged_maps("quality.tif"),
        item=judged_maps("item.json"),
        reference=lambda wildcards: [
            SCENES.spot_scene(scene).reference
            for scene in target_scenes(experiment_target(wildcards.experiment), "evaluate")
        ],
        dem=lambda wildcards: [
            scene_auxiliary("dem", scene)
            for scene in target_scenes(experiment_target(wildcards.experiment), "evaluate")
        ],
    output:
        metrics="<results>/evaluation/{experiment}/historical.json",
    log:
        "<logs>/evaluate_historical/{experiment}.log",
    benchmark:
        "<benchmarks>/evaluate_historical/{experiment}.tsv"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=120,
    params:
        experiment=lambda wildcards: settings(EXPERIMENTS[wildcards.experiment]),
        settings=settings(CONFIG.evaluation),
        seed=CONFIG.seed,
        code=code("evaluate_historical.py"),
    script:
        "../scripts/evaluate_historical.py"


rule comparison:
    input:
        pseudo=expand(rules.evaluate_pseudo.output.metrics, experiment=EXPERIMENTS),
        historical=expand(rules.evaluate_historical.output.metrics, experiment=JUDGED),
    output:
        table=report(
            "<results>/evaluation/comparison.csv",
            caption="../report/comparison.rst",
            category="Scores",
            labels={"table": "all experiments"},
        ),
    log:
        "<logs>/comparison.log",
    benchmark:
        "<benchmarks>/comparison.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.seed,
        code=code("comparison.py"),
    script:
        "../scripts/comparison.py"


rule scores:
    input:
        rules.comparison.output,
