"""SPOT Level-1A scenes on the map.

REQUIRED INPUTS: a SPOT Level-1A product, dem, stacks/{tile}/{date}/toa_20m.tif of the Sentinel-2 scenes of
                 its tile that are nearest in season
OUTPUTS:         ortho/{scene}.tif
"""


rule orthorectify:
    input:
        product=lambda wildcards: SCENES.spot_scene(wildcards.scene).path,
        dem=lambda wildcards: scene_auxiliary("dem", wildcards.scene),
        references=lambda wildcards: [
            f"<results>/stacks/{scene.tile}/{scene.date}/toa_20m.tif"
            for scene in SCENES.references(SCENES.spot_scene(wildcards.scene))
        ],
    output:
        ortho="<results>/ortho/{scene}.tif",
    log:
        "<logs>/orthorectify/{scene}.log",
    benchmark:
        "<benchmarks>/orthorectify/{scene}.tsv"
    wildcard_constraints:
        scene=one_of([scene.scene_id for scene in SCENES.spot if scene.is_raw]),
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        band_order=CONFIG.orthorectification.band_order,
        code=code("orthorectify.py"),
    script:
        "../scripts/orthorectify.py"
