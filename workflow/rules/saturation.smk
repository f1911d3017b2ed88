"""Saturation and minimum reflectance of SPOT (method A.1).

REQUIRED INPUTS: the SPOT products of an area and sensor whose role is kde or classify (only their XML is read)
OUTPUTS:         kde/{area}/{sensor}.nc
"""


rule kde:
    input:
        # Never the scenes that maps are judged on. One that is not there costs the density that scene.
        products=lambda wildcards: [
            scene.path
            for scene in SCENES.spot_scenes(wildcards.sensor, wildcards.area, "kde", "classify")
            if scene.path not in MISSING
        ],
    output:
        kde="<results>/kde/{area}/{sensor}.nc",
    log:
        "<logs>/kde/{area}_{sensor}.log",
    benchmark:
        "<benchmarks>/kde/{area}_{sensor}.tsv"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        sensor=lambda wildcards: sensor(wildcards.sensor),
        bandwidth=CONFIG.saturation.bandwidth,
        code=code("kde.py"),
    script:
        "../scripts/kde.py"
