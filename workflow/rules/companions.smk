"""Companion methods on Sentinel-2 in 13 bands at 60 m (config section companions).

REQUIRED INPUTS: the virtual archive's Sentinel-2 scenes and their truth, or real scenes and their ALCD masks; the Hollstein
                 database where it is to be learnt from
OUTPUTS:         companions/{stacks,truth}/{tile}/{date}.tif, companions/spectra.nc,
                 companions/{som,patch-cnn}/model.safetensors, companions/patch-cnn/history.csv,
                 companions/maps/{tile}/{date}/{method}.tif, companions/scores.json,
                 companions/costs/{method}-sentinel2.json,
                 companions/figures/...
"""

from firn.companions.plan import COSTED, MAPPED, alcd_folder, companion_scenes

COMPANIONS = CONFIG.companions

#: Scenes, {tile}/{date}, by what they are for.
try:
    COMPANION_SCENES = companion_scenes(
        COMPANIONS, [f"{s.tile}/{s.date}" for s in SCENES.sentinel2]
    )
except FirnError as error:
    raise WorkflowError(str(error)) from None


def companion_files(kind, role):
    """Stacks or truths of the scenes of a role."""
    return [f"<results>/companions/{kind}/{scene}.tif" for scene in COMPANION_SCENES[role]]


def companion_reference(wildcards):
    """What is true of a scene: fields of the virtual archive, or the folder of an ALCD mask."""
    if SIMULATION:
        return f"{ARCHIVE}/truth/{wildcards.tile}/{wildcards.date}/fields.tif"
    try:
        return alcd_folder(COMPANIONS.alcd, wildcards.tile, wildcards.date)
    except FirnError as error:
        raise WorkflowError(str(error)) from None


def companion_figure(name, caption):
    """A figure as it stands in the report."""
    return report(
        f"<results>/companions/figures/{name}.png",
        caption=f"../report/{caption}.rst",
        category="Companions",
        labels={"figure": name},
    )


rule companion_stack:
    input:
        l1c=product("l1c"),
    output:
        stack="<results>/companions/stacks/{tile}/{date}.tif",
    log:
        "<logs>/companion_stack/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/companion_stack/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(30),
    params:
        code=code("companion_stack.py"),
    script:
        "../scripts/companion_stack.py"


rule companion_truth:
    input:
        known=companion_reference,
        stack=rules.companion_stack.output.stack,
    output:
        truth="<results>/companions/truth/{tile}/{date}.tif",
    log:
        "<logs>/companion_truth/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/companion_truth/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("companion_truth.py"),
    script:
        "../scripts/companion_truth.py"


rule companion_spectra:
    input:
        hollstein=COMPANIONS.hollstein,
        stacks=[] if COMPANIONS.hollstein else companion_files("stacks", "train"),
        truths=[] if COMPANIONS.hollstein else companion_files("truth", "train"),
    output:
        spectra="<results>/companions/spectra.nc",
    log:
        "<logs>/companion_spectra.log",
    benchmark:
        "<benchmarks>/companion_spectra.tsv"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        scenes=COMPANION_SCENES["train"],
        most=COMPANIONS.spectra_per_class,
        seed=CONFIG.seed,
        code=code("companion_spectra.py"),
    script:
        "../scripts/companion_spectra.py"


rule train_som:
    input:
        spectra=rules.companion_spectra.output.spectra,
        stacks=companion_files("stacks", "tuning"),
        truths=companion_files("truth", "tuning"),
    output:
        model="<results>/companions/som/model.safetensors",
    log:
        "<logs>/train_som.log",
    benchmark:
        "<benchmarks>/train_som.tsv"
    threads: 2
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        settings=settings(COMPANIONS.som),
        device=CONFIG.training.device,
        seed=CONFIG.seed,
        code=code("train_som.py"),
    script:
        "../scripts/train_som.py"


rule train_patch_cnn:
    input:
        stacks=companion_files("stacks", "train"),
        truths=companion_files("truth", "train"),
        tuning_stacks=companion_files("stacks", "tuning"),
        tuning_truths=companion_files("truth", "tuning"),
    output:
        model="<results>/companions/patch-cnn/model.safetensors",
        history="<results>/companions/patch-cnn/history.csv",
    log:
        "<logs>/train_patch_cnn.log",
    benchmark:
        "<benchmarks>/train_patch_cnn.tsv"
    threads: 2
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        settings=settings(COMPANIONS.patch_cnn),
        device=CONFIG.training.device,
        seed=CONFIG.seed,
        code=code("train_patch_cnn.py"),
    script:
        "../scripts/train_patch_cnn.py"


# One job for all methods: to classify a scene takes less time than to start Python.
rule companion_maps:
    input:
        stack=rules.companion_stack.output.stack,
        models=[rules.train_som.output.model, rules.train_patch_cnn.output.model],
    output:
        maps=expand(
            "<results>/companions/maps/{tile}/{date}/{mapped}.tif",
            mapped=MAPPED,
            allow_missing=True,
        ),
    log:
        "<logs>/companion_maps/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/companion_maps/{tile}_{date}.tsv"
    threads: 2
    resources:
        mem_mb=growing(6000),
        runtime=growing(30),
    params:
        code=code("companion_maps.py"),
    script:
        "../scripts/companion_maps.py"


rule companion_scores:
    input:
        maps=[
            f"<results>/companions/maps/{scene}/{method}.tif"
            for scene in COMPANION_SCENES["evaluation"]
            for method in MAPPED
        ],
        truths=companion_files("truth", "evaluation"),
        som=rules.train_som.output.model,
    output:
        scores="<results>/companions/scores.json",
    log:
        "<logs>/companion_scores.log",
    benchmark:
        "<benchmarks>/companion_scores.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        scenes=COMPANION_SCENES["evaluation"],
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.seed,
        code=code("companion_scores.py"),
    script:
        "../scripts/companion_scores.py"


rule measure_companions:
    input:
        models=[rules.train_som.output.model, rules.train_patch_cnn.output.model],
    output:
        costs=expand("<results>/companions/costs/{method}-sentinel2.json", method=COSTED),
    log:
        "<logs>/measure_companions.log",
    benchmark:
        "<benchmarks>/measure_companions.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        benchmarks=[
            [f"{CONFIG.root}/benchmarks/{rule}.tsv"] for rule in ("train_som", "train_patch_cnn")
        ],
        code=code("measure_models.py"),
    script:
        "../scripts/measure_models.py"


rule draw_som:
    input:
        model=rules.train_som.output.model,
        spectra=rules.companion_spectra.output.spectra,
        scores=rules.companion_scores.output.scores,
    output:
        hits=companion_figure("hits", "som"),
        planes=companion_figure("planes", "som"),
        distances=companion_figure("distances", "som"),
        scatter=companion_figure("scatter", "som"),
        turned=companion_figure("turned", "som"),
        scores=companion_figure("scores", "companions"),
    log:
        "<logs>/draw_som.log",
    benchmark:
        "<benchmarks>/draw_som.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        code=code("draw_som.py"),
    script:
        "../scripts/draw_som.py"


rule draw_companion_maps:
    input:
        stack=rules.companion_stack.output.stack,
        truth=rules.companion_truth.output.truth,
        maps=rules.companion_maps.output.maps,
    output:
        figure=companion_figure("maps/{tile}_{date}", "companions"),
    log:
        "<logs>/draw_companion_maps/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/draw_companion_maps/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        code=code("draw_companion_maps.py"),
    script:
        "../scripts/draw_companion_maps.py"


localrules:
    companions,


rule companions:
    input:
        rules.companion_scores.output,
        rules.draw_som.output,
        [
            "<results>/companions/figures/maps/{}.png".format(scene.replace("/", "_"))
            for scene in COMPANION_SCENES["evaluation"]
        ],
