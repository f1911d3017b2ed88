"""Figures and tables of the report.

REQUIRED INPUTS: the outputs of all other stages
OUTPUTS:         figures/{saturation,spectra}/..., figures/{training,patches,scores,maps}/...,
                 figures/runtime.png

One job draws all figures of a kind: to draw one takes less time than to start Python.
"""

#: The method that the pictures of patches and maps show: the first of the configuration.
SHOWN = {target: f"{CONFIG.methods[0]}-{target}" for target in TARGETS}

#: Sensors whose spectral responses are known, and the one that emulates them.
SHOWN_SENSORS = [s for s in map(load_sensor, CONFIG.all_sensors) if s.response]
SOURCE_SENSOR = load_sensor("sentinel2a")


def figure(path, caption, category, **labels):
    """A figure as it stands in the report."""
    return report(
        f"<results>/figures/{path}.png",
        caption=f"../report/{caption}.rst",
        category=category,
        labels=labels,
    )


rule draw_saturation:
    input:
        kde=expand(rules.kde.output.kde, area=CONFIG.areas, sensor=CONFIG.all_sensors),
    output:
        figures=[
            figure(f"saturation/{area}/{name}", "saturation", "Sensors", area=area, sensor=name)
            for area in CONFIG.areas
            for name in CONFIG.all_sensors
        ],
    log:
        "<logs>/draw_saturation.log",
    benchmark:
        "<benchmarks>/draw_saturation.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        seed=CONFIG.seed,
        code=code("draw_saturation.py"),
    script:
        "../scripts/draw_saturation.py"


rule draw_spectra:
    input:
        spectra=SPECTRA,
        responses=[data_file("responses", s.response, ".csv") for s in SHOWN_SENSORS],
        source=data_file("responses", SOURCE_SENSOR.response, ".csv"),
    output:
        figures=[
            figure(f"spectra/{s.name}", "spectra", "Sensors", sensor=s.name) for s in SHOWN_SENSORS
        ],
    log:
        "<logs>/draw_spectra.log",
    benchmark:
        "<benchmarks>/draw_spectra.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        sensors=list(map(settings, SHOWN_SENSORS)),
        source=settings(SOURCE_SENSOR),
        materials=settings(MATERIALS),
        code=code("draw_spectra.py"),
    script:
        "../scripts/draw_spectra.py"


rule draw_training:
    input:
        selections=expand(rules.select.output.selection, experiment=TRAINED_EXPERIMENTS),
        preliminary=expand(
            rules.train_preliminary.output.history,
            experiment=TRAINED_EXPERIMENTS,
            seed=CONFIG.training.preliminary.seeds,
        ),
        intensive=expand(rules.train_intensive.output.history, experiment=TRAINED_EXPERIMENTS),
    output:
        figures=[
            figure(f"training/{name}", "training", "Training", experiment=name)
            for name in TRAINED_EXPERIMENTS
        ],
    log:
        "<logs>/draw_training.log",
    benchmark:
        "<benchmarks>/draw_training.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code("draw_training.py"),
    script:
        "../scripts/draw_training.py"


rule draw_patches:
    input:
        model=lambda wildcards: f"<results>/models/{SHOWN[wildcards.target]}/model.safetensors",
        samples="<results>/datasets/{target}/samples.csv",
        patches=lambda wildcards: patch_files(TARGETS[wildcards.target]),
        pseudo=lambda wildcards: pseudo_files(TARGETS[wildcards.target]),
    output:
        figure=figure("patches/{target}", "patches", "Pseudo-SPOT", sensor="{target}"),
    log:
        "<logs>/draw_patches/{target}.log",
    benchmark:
        "<benchmarks>/draw_patches/{target}.tsv"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(15),
    params:
        sensor=lambda wildcards: TARGETS[wildcards.target].sensor,
        code=code("draw_patches.py"),
    script:
        "../scripts/draw_patches.py"


rule draw_scores:
    input:
        metrics=rules.comparison.input.metrics,
    output:
        confusion=[
            figure(
                f"scores/{name}/{kind}_confusion",
                "confusion",
                "Scores",
                experiment=name,
                scenes=kind,
            )
            for kind, name in SCORED
        ],
        strata=[
            figure(
                f"scores/{name}/{kind}_strata", "strata", "Scores", experiment=name, scenes=kind
            )
            for kind, name in SCORED
        ],
        reliability=figure(
            "scores/reliability", "reliability", "Scores", experiment="all", scenes="reliability"
        ),
    log:
        "<logs>/draw_scores.log",
    benchmark:
        "<benchmarks>/draw_scores.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=code("draw_scores.py"),
    script:
        "../scripts/draw_scores.py"


rule draw_maps:
    input:
        products=lambda wildcards: [
            scene_image(scene) for scene in target_scenes(wildcards.target, "evaluate")
        ],
        snow=lambda wildcards: judged_maps(SHOWN[wildcards.target], "snow.tif"),
        probability=lambda wildcards: judged_maps(SHOWN[wildcards.target], "probability.tif"),
        quality=lambda wildcards: judged_maps(SHOWN[wildcards.target], "quality.tif"),
        item=lambda wildcards: judged_maps(SHOWN[wildcards.target], "item.json"),
        reference=lambda wildcards: judged_references(SHOWN[wildcards.target]),
        dem=lambda wildcards: judged_dems(SHOWN[wildcards.target]),
    output:
        figures=report(
            directory("<results>/figures/maps/{target}"),
            patterns=["{scene}.png"],
            caption="../report/maps.rst",
            category="Maps",
            labels={"sensor": "{target}", "scene": "{scene}"},
        ),
    log:
        "<logs>/draw_maps/{target}.log",
    benchmark:
        "<benchmarks>/draw_maps/{target}.tsv"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        sensor=lambda wildcards: sensor(TARGETS[wildcards.target].sensor),
        code=code("draw_maps.py"),
    script:
        "../scripts/draw_maps.py"


# Benchmarks are by-products that no rule can ask for; by the time that all scores and pictures of maps
# are there, so are theirs.
rule draw_runtime:
    input:
        rules.comparison.output,
        expand(rules.draw_maps.output.figures, target=JUDGED_TARGETS),
    output:
        figure=figure("runtime", "runtime", "Run time", figure="all rules"),
    log:
        "<logs>/draw_runtime.log",
    benchmark:
        "<benchmarks>/draw_runtime.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        benchmarks=str(CONFIG.root / "benchmarks"),
        code=code("draw_runtime.py"),
    script:
        "../scripts/draw_runtime.py"


rule figures:
    input:
        rules.draw_saturation.output,
        rules.draw_spectra.output,
        rules.draw_training.output if TRAINED_EXPERIMENTS else [],
        rules.draw_scores.output,
        rules.draw_runtime.output,
        expand(rules.draw_patches.output.figure, target=TARGETS),
        expand(rules.draw_maps.output.figures, target=JUDGED_TARGETS),
