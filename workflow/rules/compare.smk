"""Every method beside every other: accuracy against time and size, by stratum, with paired tests.

REQUIRED INPUTS: models, their scores on the scenes whose role is evaluate, the benchmarks of their trainings
OUTPUTS:         costs/{experiment}.json, comparison.{json,html}, figures/compare/{costs,strata/{target}}.png
"""


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


# A by-product of each training is its benchmark, which no rule can ask for: with the model it is there.
rule measure_model:
    input:
        model="<results>/models/{experiment}/model.safetensors",
    output:
        costs="<results>/costs/{experiment}.json",
    log:
        "<logs>/measure_model/{experiment}.log",
    benchmark:
        "<benchmarks>/measure_model/{experiment}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        benchmarks=lambda wildcards: training_benchmarks(wildcards.experiment),
        code=method_code("measure_model.py"),
    script:
        "../scripts/measure_model.py"


rule compare:
    input:
        metrics=[f"<results>/evaluation/{name}/historical.json" for name in JUDGED],
        costs=expand(rules.measure_model.output.costs, experiment=JUDGED),
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
            for target in JUDGED_TARGETS
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
        tells={name: method.tells for name, method in METHODS.items()},
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
