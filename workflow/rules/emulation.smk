"""Pseudo-SPOT patches (method A.5).

REQUIRED INPUTS: patches/{tile}/{date}.nc, kde/{area}/{sensor}.nc
OUTPUTS:         pseudo/{area}/{sensor}/{tile}/{date}.nc
"""


# One job per scene and area emulates every sensor: the patches are read once.
rule emulate:
    input:
        patches=rules.patches.output.patches,
        kde=expand(rules.kde.output.kde, sensor=CONFIG.all_sensors, allow_missing=True),
    output:
        pseudo=intermediate(
            expand(
                "<results>/pseudo/{area}/{sensor}/{tile}/{date}.nc",
                sensor=CONFIG.all_sensors,
                allow_missing=True,
            )
        ),
    log:
        "<logs>/emulate/{area}_{tile}_{date}.log",
    benchmark:
        "<benchmarks>/emulate/{area}_{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        sensors=[sensor(name) for name in CONFIG.all_sensors],
        emulation=settings(CONFIG.emulation),
        seed=CONFIG.seed,
        code=code("emulate.py"),
    script:
        "../scripts/emulate.py"


rule pseudo:
    input:
        [
            f"<results>/pseudo/{area}/{name}/{scene.tile}/{scene.date}.nc"
            for area in CONFIG.areas
            for name in CONFIG.all_sensors
            for scene in area_scenes(area)
        ],
