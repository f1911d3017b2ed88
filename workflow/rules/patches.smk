"""Patches of a scene with their labels and relief (method A.4).

REQUIRED INPUTS: stacks/{tile}/{date}/{toa_20m,labels,hillshade}.tif, terrain/{tile}/dem.tif
OUTPUTS:         patches/{tile}/{date}.nc
"""


rule patches:
    input:
        toa=rules.toa.output.toa,
        labels=rules.labels.output.labels,
        hillshade=rules.hillshade.output.hillshade,
        dem=rules.terrain.output.dem,
    output:
        patches=intermediate("<results>/patches/{tile}/{date}.nc"),
    log:
        "<logs>/patches/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/patches/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        settings=settings(CONFIG.patches),
        code=code("patches.py"),
    script:
        "../scripts/patches.py"
