"""Scores (method B.2, B.3) and their comparison.

REQUIRED INPUTS: models, the held-out samples, the maps of the scenes whose role is evaluate, and
                 their reference rasters (for a virtual archive, the truth)
OUTPUTS:         evaluation/{experiment}/{pseudo,historical}.json, evaluation/comparison.{csv,html,png},
                 evaluation/situations.{csv,png}, real/{experiment}.json, figures/real/{target}.png
"""

from firn.files import strata_path


def judged_scenes(experiment):
    """SPOT scenes that an experiment is judged on."""
    return target_scenes(experiment_target(experiment), "evaluate")


def judged_maps(experiment, file):
    """A file of each map that an experiment is judged on."""
    return [f"<results>/maps/{experiment}/{scene}/{file}" for scene in judged_scenes(experiment)]


def judged_references(experiment):
    """What the maps are judged against, in the order of `judged_maps`."""
    return [SCENES.spot_scene(scene).reference for scene in judged_scenes(experiment)]


def judged_strata(experiment):
    """Rasters of situations beside the references, of those that have one."""
    paths = (str(strata_path(path)) for path in judged_references(experiment))
    return [path for path in paths if SIMULATION or exists(path)]


def judged_dems(experiment):
    """Elevation around the scenes, in the order of `judged_maps`."""
    return [scene_auxiliary("dem", scene) for scene in judged_scenes(experiment)]


#: Experiments with a scene to be judged on.
JUDGED = [name for name in EXPERIMENTS if judged_scenes(name)]

#: The same without the method.
JUDGED_TARGETS = list(dict.fromkeys(map(experiment_target, JUDGED)))

#: Scores of each experiment: what they were made on, and the experiment.
SCORED = [("pseudo", name) for name in EXPERIMENTS] + [("historical", name) for name in JUDGED]


rule evaluate_pseudo:
    input:
        model="<results>/models/{experiment}/model.safetensors",
        samples=dataset_file("samples.csv"),
        statistics=dataset_file("statistics.json"),
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
        mem_mb=growing(16000),
        runtime=growing(120),
    params:
        experiment=lambda wildcards: settings(EXPERIMENTS[wildcards.experiment]),
        settings=settings(CONFIG.evaluation),
        network=CONFIG.network.model_dump(mode="json", exclude={"clouddl"}),
        seed=CONFIG.seed,
        code=method_code("evaluate_pseudo.py"),
    script:
        "../scripts/evaluate_pseudo.py"


rule evaluate_historical:
    input:
        snow=lambda wildcards: judged_maps(wildcards.experiment, "snow.tif"),
        probability=lambda wildcards: judged_maps(wildcards.experiment, "probability.tif"),
        quality=lambda wildcards: judged_maps(wildcards.experiment, "quality.tif"),
        item=lambda wildcards: judged_maps(wildcards.experiment, "item.json"),
        reference=lambda wildcards: judged_references(wildcards.experiment),
        strata=lambda wildcards: judged_strata(wildcards.experiment),
        dem=lambda wildcards: judged_dems(wildcards.experiment),
    output:
        metrics="<results>/evaluation/{experiment}/historical.json",
    log:
        "<logs>/evaluate_historical/{experiment}.log",
    benchmark:
        "<benchmarks>/evaluate_historical/{experiment}.tsv"
    threads: 1
    resources:
        mem_mb=growing(16000),
        runtime=growing(120),
    params:
        experiment=lambda wildcards: settings(EXPERIMENTS[wildcards.experiment]),
        settings=settings(CONFIG.evaluation),
        seed=CONFIG.seed,
        code=code("evaluate_historical.py"),
    script:
        "../scripts/evaluate_historical.py"


rule comparison:
    input:
        metrics=[f"<results>/evaluation/{name}/{kind}.json" for kind, name in SCORED],
    output:
        table="<results>/evaluation/comparison.csv",
        situations="<results>/evaluation/situations.csv",
        page=report(
            "<results>/evaluation/comparison.html",
            caption="../report/comparison.rst",
            category="Scores",
            labels={"experiment": "all", "scenes": "table"},
        ),
        figure=report(
            "<results>/evaluation/comparison.png",
            caption="../report/comparison.rst",
            category="Scores",
            labels={"experiment": "all", "scenes": "figure"},
        ),
        situations_figure=report(
            "<results>/evaluation/situations.png",
            caption="../report/situations.rst",
            category="Scores",
            labels={"experiment": "all", "scenes": "situations"},
        ),
    log:
        "<logs>/comparison.log",
    benchmark:
        "<benchmarks>/comparison.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        tells={name: method.tells for name, method in METHODS.items()},
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.seed,
        code=code("comparison.py"),
    script:
        "../scripts/comparison.py"


# One job puts all methods of a target before the real crops: they look at the same images.
rule real_crops:
    input:
        models=expand(
            "<results>/models/{method}-{target}/model.safetensors",
            method=CONFIG.methods,
            allow_missing=True,
        ),
        kde=lambda wildcards: "<results>/kde/{0.area}/{0.sensor}.nc".format(
            TARGETS[wildcards.target]
        ),
        crops=packaged("crops/crops.yaml"),
    output:
        metrics=expand(
            "<results>/real/{method}-{target}.json", method=CONFIG.methods, allow_missing=True
        ),
        figure=report(
            "<results>/figures/real/{target}.png",
            caption="../report/real.rst",
            category="Real images",
            labels={"sensor": "{target}"},
        ),
    log:
        "<logs>/real_crops/{target}.log",
    benchmark:
        "<benchmarks>/real_crops/{target}.tsv"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        experiments=lambda wildcards: {
            f"{method}-{wildcards.target}": settings(EXPERIMENTS[f"{method}-{wildcards.target}"])
            for method in CONFIG.methods
        },
        sensor=lambda wildcards: sensor(TARGETS[wildcards.target].sensor),
        emulation=settings(CONFIG.emulation),
        seed=CONFIG.seed,
        code=code("real_crops.py"),
    script:
        "../scripts/real_crops.py"
