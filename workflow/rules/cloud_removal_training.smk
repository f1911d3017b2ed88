"""Generators that simulate Sentinel-2 images, and what they are worth (config section cloud_removal).

REQUIRED INPUTS: cloud_removal/tiles/{train,validation,test}.nc, other_dates.nc where pairs test alone, and
                 cloud_removal/normalisation.json
OUTPUTS:         cloud_removal/models/{generator}.{safetensors,csv}, evaluation.json,
                 cloud_removal/{page.html,panels.png,severity.png,errors.png,losses.png},
                 cloud_removal/mosaics/{generator}/{pair}{,_severity}.tif
"""

GENERATORS = CLOUD_REMOVAL.networks.generators

#: A process of a training asks for a GPU unless it is told to use none.
GPUS_FOR_SIMULATION = 0 if CLOUD_REMOVAL.training.device == "cpu" else 1

#: What lies under a cloud is known where every image is virtual.
TRUTH_UNDER_CLOUD = not CLOUD_REMOVAL.inputs


wildcard_constraints:
    generator=one_of(GENERATORS),
    pair=one_of(PAIRS),


rule train_simulation:
    input:
        train=rules.pair_tiles.output.train,
        validation=rules.pair_tiles.output.validation,
        normalisation=rules.pair_tiles.output.normalisation,
    output:
        model="<results>/cloud_removal/models/{generator}.safetensors",
        history="<results>/cloud_removal/models/{generator}.csv",
    log:
        "<logs>/train_simulation/{generator}.log",
    benchmark:
        "<benchmarks>/train_simulation/{generator}.tsv"
    threads: 8 * CLOUD_REMOVAL.training.processes
    resources:
        gpu=GPUS_FOR_SIMULATION * CLOUD_REMOVAL.training.processes,
        mem_mb=growing(16000 * CLOUD_REMOVAL.training.processes),
        runtime=growing(1440),
    params:
        architecture=lambda wildcards: CLOUD_REMOVAL.networks.architecture(wildcards.generator),
        discriminator=CLOUD_REMOVAL.networks.discriminator.widths,
        settings=settings(CLOUD_REMOVAL.training),
        seed=CONFIG.seed,
        code=code("train_simulation.py"),
    script:
        "../scripts/train_simulation.py"


rule evaluate_simulation:
    input:
        **OTHER_DATES_TILES,
        models=expand(rules.train_simulation.output.model, generator=GENERATORS),
        train=rules.pair_tiles.output.train,
        test=rules.pair_tiles.output.test,
        normalisation=rules.pair_tiles.output.normalisation,
    output:
        evaluation="<results>/evaluation.json",
    log:
        "<logs>/evaluate_simulation.log",
    benchmark:
        "<benchmarks>/evaluate_simulation.tsv"
    threads: 2
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        truth_under_cloud=TRUTH_UNDER_CLOUD,
        bootstrap=CONFIG.evaluation.bootstrap,
        seed=CONFIG.seed,
        code=code("evaluate_simulation.py"),
    script:
        "../scripts/evaluate_simulation.py"


rule draw_simulation:
    input:
        evaluation=rules.evaluate_simulation.output.evaluation,
        models=rules.evaluate_simulation.input.models,
        histories=expand(rules.train_simulation.output.history, generator=GENERATORS),
        test=rules.pair_tiles.output.test,
        snow=rules.snow_below_clouds.output.scores if TRUTH_UNDER_CLOUD else [],
    output:
        page=report(
            "<results>/cloud_removal/page.html",
            caption="../report/cloud_removal.rst",
            category="Cloud removal",
        ),
        panels=report(
            "<results>/cloud_removal/panels.png",
            caption="../report/cloud_removal_panels.rst",
            category="Cloud removal",
        ),
        severity=report(
            "<results>/cloud_removal/severity.png",
            caption="../report/cloud_removal_severity.rst",
            category="Cloud removal",
        ),
        errors=report(
            "<results>/cloud_removal/errors.png",
            caption="../report/cloud_removal.rst",
            category="Cloud removal",
        ),
        losses=report(
            "<results>/cloud_removal/losses.png",
            caption="../report/cloud_removal_losses.rst",
            category="Cloud removal",
        ),
    log:
        "<logs>/draw_simulation.log",
    benchmark:
        "<benchmarks>/draw_simulation.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        generators=GENERATORS,
        panels=CLOUD_REMOVAL.evaluation.panels,
        code=code("draw_simulation.py"),
    script:
        "../scripts/draw_simulation.py"


rule mosaic_simulation:
    input:
        model=rules.train_simulation.output.model,
        tiles=[rules.pair_tiles.output[split] for split in ("train", "validation", "test")],
    output:
        image="<results>/cloud_removal/mosaics/{generator}/{pair}.tif",
        severity="<results>/cloud_removal/mosaics/{generator}/{pair}_severity.tif",
    log:
        "<logs>/mosaic_simulation/{generator}_{pair}.log",
    benchmark:
        "<benchmarks>/mosaic_simulation/{generator}_{pair}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("mosaic_simulation.py"),
    script:
        "../scripts/mosaic_simulation.py"


localrules:
    cloud_removal,


rule cloud_removal:
    input:
        "<results>/config.yaml",
        rules.draw_simulation.output,
        expand(
            rules.mosaic_simulation.output,
            generator=GENERATORS,
            pair=[pair for pair in PAIRS if pair not in CLOUD_REMOVAL.tiles.test_pairs],
        ),
