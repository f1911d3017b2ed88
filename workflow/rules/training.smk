"""Models (method B.1): several short trainings, the best of which a long one continues.

REQUIRED INPUTS: datasets/{target}/, and the patches and pseudo-SPOT files that it was made of;
                 kde/{area}/{sensor}.nc where each epoch emulates anew
OUTPUTS:         models/{experiment}/model.safetensors; for trained methods also
                 models/{experiment}/{preliminary/{seed}.safetensors,preliminary/{seed}.csv,
                 selection.json,history.csv}
"""

TRAINED_EXPERIMENTS = [
    name for name, e in EXPERIMENTS.items() if METHODS[e.method].made_by == "train"
]
FITTED_EXPERIMENTS = [name for name, e in EXPERIMENTS.items() if METHODS[e.method].made_by == "fit"]

#: What the trainings share, without what is special to a step.
SHARED = CONFIG.training.model_dump(mode="json", exclude={"preliminary", "intensive"})


def network_of(method):
    """Settings of a method's network, without those of CloudDL for the others."""
    others = set() if method == "clouddl" else {"clouddl"}
    return CONFIG.network.model_dump(mode="json", exclude=others)


def gains_to_draw(wildcards):
    """Gains that a training draws from, where it emulates its patches anew in each epoch."""
    experiment = EXPERIMENTS[wildcards.experiment]
    renewed = CONFIG.training.emulation == "every-epoch"
    return f"<results>/kde/{experiment.area}/{experiment.sensor}.nc" if renewed else []


rule train_preliminary:
    input:
        samples=dataset_file("samples.csv"),
        statistics=dataset_file("statistics.json"),
        patches=lambda wildcards: patch_files(EXPERIMENTS[wildcards.experiment]),
        pseudo=lambda wildcards: pseudo_files(EXPERIMENTS[wildcards.experiment]),
        kde=gains_to_draw,
    output:
        model="<results>/models/{experiment}/preliminary/{seed}.safetensors",
        history="<results>/models/{experiment}/preliminary/{seed}.csv",
    log:
        "<logs>/train_preliminary/{experiment}_{seed}.log",
    benchmark:
        "<benchmarks>/train_preliminary/{experiment}_{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(TRAINED_EXPERIMENTS),
    threads: 8 * CONFIG.training.processes
    resources:
        gpu=GPUS * CONFIG.training.processes,
        mem_mb=growing(32000 * CONFIG.training.processes),
        runtime=growing(360),
    params:
        method=lambda wildcards: EXPERIMENTS[wildcards.experiment].method,
        name=lambda wildcards: f"preliminary/{wildcards.seed}",
        seed=CONFIG.seed,
        network=lambda wildcards: network_of(EXPERIMENTS[wildcards.experiment].method),
        settings=SHARED,
        emulation=settings(CONFIG.emulation),
        sensor=lambda wildcards: sensor(EXPERIMENTS[wildcards.experiment].sensor),
        step=CONFIG.training.preliminary.model_dump(mode="json", exclude={"seeds"}),
        code=method_code("train.py"),
    script:
        "../scripts/train.py"


rule select:
    input:
        models=expand(
            rules.train_preliminary.output.model,
            seed=CONFIG.training.preliminary.seeds,
            allow_missing=True,
        ),
    output:
        selection="<results>/models/{experiment}/selection.json",
    log:
        "<logs>/select/{experiment}.log",
    benchmark:
        "<benchmarks>/select/{experiment}.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        code=method_code("selection.py"),
    script:
        "../scripts/selection.py"


rule train_intensive:
    input:
        samples=dataset_file("samples.csv"),
        statistics=dataset_file("statistics.json"),
        patches=lambda wildcards: patch_files(EXPERIMENTS[wildcards.experiment]),
        pseudo=lambda wildcards: pseudo_files(EXPERIMENTS[wildcards.experiment]),
        kde=gains_to_draw,
        models=rules.select.input.models,
        selection=rules.select.output.selection,
    output:
        model="<results>/models/{experiment}/model.safetensors",
        history="<results>/models/{experiment}/history.csv",
    log:
        "<logs>/train_intensive/{experiment}.log",
    benchmark:
        "<benchmarks>/train_intensive/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(TRAINED_EXPERIMENTS),
    threads: 8 * CONFIG.training.processes
    resources:
        gpu=GPUS * CONFIG.training.processes,
        mem_mb=growing(32000 * CONFIG.training.processes),
        runtime=growing(1440),
    params:
        method=lambda wildcards: EXPERIMENTS[wildcards.experiment].method,
        name="intensive",
        seed=CONFIG.seed,
        network=lambda wildcards: network_of(EXPERIMENTS[wildcards.experiment].method),
        settings=SHARED,
        emulation=settings(CONFIG.emulation),
        sensor=lambda wildcards: sensor(EXPERIMENTS[wildcards.experiment].sensor),
        step=settings(CONFIG.training.intensive),
        code=method_code("train.py"),
    script:
        "../scripts/train.py"


rule fit:
    input:
        samples=dataset_file("samples.csv"),
        statistics=dataset_file("statistics.json"),
        patches=lambda wildcards: patch_files(EXPERIMENTS[wildcards.experiment]),
        pseudo=lambda wildcards: pseudo_files(EXPERIMENTS[wildcards.experiment]),
    output:
        model="<results>/models/{experiment}/model.safetensors",
    log:
        "<logs>/fit/{experiment}.log",
    benchmark:
        "<benchmarks>/fit/{experiment}.tsv"
    wildcard_constraints:
        experiment=one_of(FITTED_EXPERIMENTS),
    threads: 1
    resources:
        mem_mb=growing(32000),
        runtime=growing(120),
    params:
        method=lambda wildcards: EXPERIMENTS[wildcards.experiment].method,
        code=method_code("fit.py"),
    script:
        "../scripts/fit.py"


rule models:
    input:
        expand("<results>/models/{experiment}/model.safetensors", experiment=EXPERIMENTS),
