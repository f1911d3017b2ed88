"""Published maps of the SPOT scenes.

REQUIRED INPUTS: models/{experiment}/model.safetensors, a SPOT product or ortho/{scene}.tif, dem, tree cover, water
OUTPUTS:         maps/{experiment}/{scene}/{snow.tif,probability.tif,quality.tif,item.json}
"""


# One job per scene applies every method of the scene's target: reading and warping the scene, its
# relief and the start of Python are paid once, and a scene that cannot be read costs itself only.
# An archive of thousands of scenes has one method, so there the jobs are those of a method and a scene.
rule classify:
    input:
        product=lambda wildcards: scene_image(wildcards.scene),
        dem=lambda wildcards: scene_auxiliary("dem", wildcards.scene),
        tree_cover=lambda wildcards: scene_auxiliary("tree_cover", wildcards.scene),
        water=lambda wildcards: scene_auxiliary("water", wildcards.scene),
        models=expand(
            "<results>/models/{method}-{target}/model.safetensors",
            method=CONFIG.methods,
            allow_missing=True,
        ),
    output:
        snow=expand(
            "<results>/maps/{method}-{target}/{scene}/snow.tif",
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
        mem_mb=4000,
        runtime=60,
    params:
        sensor=lambda wildcards: sensor(TARGETS[wildcards.target].sensor),
        settings=settings(CONFIG.inference),
        tree_cover_max=CONFIG.labels.tree_cover_max,
        code=code("classify.py"),
    script:
        "../scripts/classify.py"


rule maps:
    input:
        [
            f"<results>/maps/{experiment}/{scene}/{file}"
            for experiment in EXPERIMENTS
            for scene in target_scenes(experiment_target(experiment), "evaluate", "classify")
            for file in ("snow.tif", "probability.tif", "quality.tif", "item.json")
        ],
