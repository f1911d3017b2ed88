"""Sentinel-2 rasters on the tile's 20 m grid, their relief and labels (method A.2, A.3).

REQUIRED INPUTS: the products of a tile and date (L1C, MAJA L2A, snow map if there is one); dem, tree
                 cover, water
OUTPUTS:         terrain/{tile}/{grid.tif,dem.tif,dem_origin.tif,exclusion.tif},
                 stacks/{tile}/{date}/{toa_20m,hillshade,labels}.tif, and snow.tif where no snow
                 product is named
"""


def product(kind):
    """Input function: l1c, l2a or snow product of a tile and date."""

    def path(wildcards):
        return getattr(SCENES.sentinel2_scene(wildcards.tile, wildcards.date), kind)

    return path


rule toa:
    input:
        l1c=product("l1c"),
    output:
        toa=intermediate("<results>/stacks/{tile}/{date}/toa_20m.tif"),
    log:
        "<logs>/toa/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/toa/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(30),
    params:
        code=code("toa.py"),
    script:
        "../scripts/toa.py"


# The grid stands in a small file of its own, which Snakemake compares by content: whichever date
# it was read from, the relief and all that follows from it stay as they are.
rule tile_grid:
    input:
        l1c=lambda wildcards: [
            ancient(s.l1c)
            for s in SCENES.sentinel2
            if s.tile == wildcards.tile and s.l1c not in MISSING
        ],
    output:
        grid="<results>/terrain/{tile}/grid.tif",
    log:
        "<logs>/tile_grid/{tile}.log",
    benchmark:
        "<benchmarks>/tile_grid/{tile}.tsv"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("tile_grid.py"),
    script:
        "../scripts/tile_grid.py"


rule terrain:
    input:
        grid=rules.tile_grid.output.grid,
        dem=lambda wildcards: tile_auxiliary("dem", wildcards.tile),
        tree_cover=lambda wildcards: tile_auxiliary("tree_cover", wildcards.tile),
        water=lambda wildcards: tile_auxiliary("water", wildcards.tile),
    output:
        dem="<results>/terrain/{tile}/dem.tif",
        origin="<results>/terrain/{tile}/dem_origin.tif",
        exclusion="<results>/terrain/{tile}/exclusion.tif",
    log:
        "<logs>/terrain/{tile}.log",
    benchmark:
        "<benchmarks>/terrain/{tile}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        tree_cover_max=CONFIG.labels.tree_cover_max,
        code=code("terrain.py"),
    script:
        "../scripts/terrain.py"


rule hillshade:
    input:
        toa=rules.toa.output.toa,
        dem=rules.terrain.output.dem,
    output:
        hillshade=intermediate("<results>/stacks/{tile}/{date}/hillshade.tif"),
    log:
        "<logs>/hillshade/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/hillshade/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        code=code("hillshade.py"),
    script:
        "../scripts/hillshade.py"


rule snow_map:
    input:
        l2a=product("l2a"),
        dem=rules.terrain.output.dem,
    output:
        snow=intermediate("<results>/stacks/{tile}/{date}/snow.tif"),
    log:
        "<logs>/snow_map/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/snow_map/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(20),
    params:
        settings=settings(CONFIG.snow_maps),
        code=code("snow_map.py"),
    script:
        "../scripts/snow_map.py"


rule labels:
    input:
        l2a=product("l2a"),
        snow=lambda wildcards: product("snow")(wildcards)
        or "<results>/stacks/{tile}/{date}/snow.tif",
        exclusion=rules.terrain.output.exclusion,
    output:
        labels=intermediate("<results>/stacks/{tile}/{date}/labels.tif"),
    log:
        "<logs>/labels/{tile}_{date}.log",
    benchmark:
        "<benchmarks>/labels/{tile}_{date}.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        settings=settings(CONFIG.labels),
        code=code("labels.py"),
    script:
        "../scripts/labels.py"
