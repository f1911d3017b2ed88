"""The products: the virtual archive, or the real ones that the scene tables name.

OUTPUTS: config.yaml, the whole configuration of the run with its defaults; and for a virtual archive
         archive/auxiliary/{tile}/{dem,tree_cover,water}.tif,
         archive/sentinel2/{tile}/{date}/{l1c,l2a,snow}.zip, archive/spot/{scene}.zip,
         archive/truth/{tile}/{date}/ and, for scenes that are classified, archive/truth/{scene}/
         {class.tif,class_strata.tif,fields.tif,instrument.json}
"""

import time
from os import stat
from os.path import exists

from firn.sensors import packaged
from firn.simulation_config import Materials
from firn.simulator.plan import response_table

TRUTH = ("class.tif", "class_strata.tif", "fields.tif", "instrument.json")


def named_files():
    """Files that the configuration and the scene tables name."""
    tiles = {tile for area in CONFIG.areas.values() for tile in area.tiles}
    tiles |= {scene.tile for scene in SCENES.spot if scene.tile}
    yield from (
        tile_auxiliary(kind, tile) for kind in ("dem", "tree_cover", "water") for tile in tiles
    )
    for s in SCENES.sentinel2:
        yield from filter(None, (s.l1c, s.l2a, s.snow))
    for s in SCENES.spot:
        yield s.path
        if s.reference:
            yield s.reference


def file_time(path):
    """When a file was last changed, s; None where there is no such file."""
    try:
        return stat(path).st_mtime
    except OSError:
        return None


FILE_TIMES = {} if SIMULATION else {path: file_time(path) for path in named_files()}

#: Those that are not there and no rule makes. Each costs the scenes that need it, and no others.
MISSING = {path for path, when in FILE_TIMES.items() if when is None} - ACQUIRED.keys() - MOSAIC

# Snakemake would run what reads them for ever, so it fails these jobs, once they are done.
FUTURE = sorted(path for path, when in FILE_TIMES.items() if when and when > time.time())
if FUTURE:
    print(
        f"{FUTURE[0]}: is dated in the future, like {len(FUTURE)} of {len(FILE_TIMES)} input files. What reads them"
        "\nwill fail. Set their time (touch) and the clock of the machine that wrote them.",
        file=sys.stderr,
    )

#: Scenes of SPOT among them share a job: in an archive there may be thousands, and Snakemake looks through
#: the names that a wildcard may have for each of its jobs.
MISSING_SPOT = sorted({scene.path for scene in SCENES.spot} & MISSING)
MISSING_FILES = sorted(MISSING.difference(MISSING_SPOT))

#: Plans of the virtual SPOT scenes that are classified, and the scene of the configuration that
#: each comes from.
VIRTUAL_SPOT = (
    {
        plan.scene_id: scene
        for scene, plan in zip(
            SIMULATION.spot, spot_plans(SIMULATION, CONFIG.seed, ()), strict=True
        )
    }
    if SIMULATION
    else {}
)


rule write_config:
    output:
        config="<results>/config.yaml",
    log:
        "<logs>/write_config.log",
    benchmark:
        "<benchmarks>/write_config.tsv"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        config=settings(CONFIG),
        code=code("write_config.py"),
    script:
        "../scripts/write_config.py"


if MISSING_FILES:

    rule missing_file:
        output:
            file="{file}",
        log:
            "<logs>/missing_file/{file}.log",
        benchmark:
            "<benchmarks>/missing_file/{file}.tsv"
        wildcard_constraints:
            file=one_of(MISSING_FILES),
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(200),
            runtime=growing(1),
        script:
            "../scripts/missing_file.py"


if MISSING_SPOT:

    rule missing_spot:
        output:
            files=MISSING_SPOT,
        log:
            "<logs>/missing_spot.log",
        benchmark:
            "<benchmarks>/missing_spot.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(200),
            runtime=growing(1),
        script:
            "../scripts/missing_file.py"


def data_file(folder, name, suffix):
    """File that the configuration names: a path, or the name of one that comes with firn."""
    return name if Path(name).suffix else packaged(f"{folder}/{name}{suffix}")


MATERIALS = SIMULATION.materials if SIMULATION else Materials()
SPECTRA = data_file("spectra", SIMULATION.spectra if SIMULATION else "endmembers", ".csv")


if SIMULATION:

    def simulation(**scenes):
        """The simulation with the given scenes only: another scene leaves a job's settings alone."""
        return settings(SIMULATION.model_copy(update={"sentinel2": {}, "spot": (), **scenes}))

    def relief(tile):
        """Elevation model that a virtual tile is cut from."""
        return data_file("relief", SIMULATION.reliefs[SIMULATION.tiles[tile].relief].dem, ".tif")

    def responses(name):
        """Spectral response tables of the instruments of a SPOT satellite."""
        spot = load_sensor(name)
        tables = sorted({response_table(spot, instrument) for instrument in spot.instruments})
        return [data_file("responses", table, ".csv") for table in tables]

    rule simulate_auxiliary:
        input:
            relief=lambda wildcards: relief(wildcards.tile),
        output:
            dem=ARCHIVE + "/auxiliary/{tile}/dem.tif",
            tree_cover=ARCHIVE + "/auxiliary/{tile}/tree_cover.tif",
            water=ARCHIVE + "/auxiliary/{tile}/water.tif",
        log:
            "<logs>/simulate_auxiliary/{tile}.log",
        benchmark:
            "<benchmarks>/simulate_auxiliary/{tile}.tsv"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            simulation=simulation(),
            seed=CONFIG.seed,
            code=code("simulate_auxiliary.py"),
        script:
            "../scripts/simulate_auxiliary.py"

    rule simulate_sentinel2:
        input:
            relief=lambda wildcards: relief(wildcards.tile),
            spectra=SPECTRA,
            responses=[
                data_file("responses", load_sensor(name).response, ".csv")
                for name in ("sentinel2a", "sentinel2b")
            ],
        output:
            l1c=ARCHIVE + "/sentinel2/{tile}/{date}/l1c.zip",
            l2a=ARCHIVE + "/sentinel2/{tile}/{date}/l2a.zip",
            snow=ARCHIVE + "/sentinel2/{tile}/{date}/snow.zip",
            truth=expand(ARCHIVE + "/truth/{{tile}}/{{date}}/{file}", file=TRUTH),
        log:
            "<logs>/simulate_sentinel2/{tile}_{date}.log",
        benchmark:
            "<benchmarks>/simulate_sentinel2/{tile}_{date}.tsv"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(20),
        params:
            simulation=lambda wildcards: simulation(sentinel2={wildcards.tile: (wildcards.date,)}),
            seed=CONFIG.seed,
            code=code("simulate_sentinel2.py"),
        script:
            "../scripts/simulate_sentinel2.py"

    rule simulate_spot:
        input:
            relief=lambda wildcards: relief(VIRTUAL_SPOT[wildcards.scene].tile),
            spectra=SPECTRA,
            responses=lambda wildcards: responses(VIRTUAL_SPOT[wildcards.scene].sensor),
        output:
            product=ARCHIVE + "/spot/{scene}.zip",
            truth=expand(ARCHIVE + "/truth/{{scene}}/{file}", file=TRUTH),
        log:
            "<logs>/simulate_spot/{scene}.log",
        benchmark:
            "<benchmarks>/simulate_spot/{scene}.tsv"
        wildcard_constraints:
            scene=one_of(VIRTUAL_SPOT),
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(20),
        params:
            simulation=lambda wildcards: simulation(spot=(VIRTUAL_SPOT[wildcards.scene],)),
            seed=CONFIG.seed,
            code=code("simulate_spot.py"),
        script:
            "../scripts/simulate_spot.py"

    # The small scenes that feed the saturation density: to render one takes less time than to start
    # Python, so one job makes all those of a satellite.
    for satellite in sorted({load_sensor(name).platform for name in CONFIG.all_sensors}):

        rule:
            name:
                f"simulate_{satellite.lower()}_archive"
            input:
                relief=sorted({relief(tile) for tile in SIMULATION.tiles}),
                spectra=SPECTRA,
                responses=responses(satellite.lower()),
            output:
                products=[
                    s.path for s in SCENES.spot if s.role == "kde" and s.platform == satellite
                ],
            log:
                f"<logs>/simulate_archive/{satellite}.log",
            benchmark:
                f"<benchmarks>/simulate_archive/{satellite}.tsv"
            threads: 1
            resources:
                mem_mb=growing(2000),
                runtime=growing(20),
            params:
                simulation=simulation(),
                platform=satellite,
                seed=CONFIG.seed,
                code=code("simulate_archive.py"),
            script:
                "../scripts/simulate_archive.py"


rule archive:
    input:
        "<results>/config.yaml",
        [path for s in SCENES.sentinel2 for path in (s.l1c, s.l2a, s.snow) if path],
        [s.path for s in SCENES.spot if s.path not in MISSING],
        # One of them brings the job of all.
        MISSING_SPOT[:1],
