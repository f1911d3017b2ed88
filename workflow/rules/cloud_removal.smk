"""Simulation of Sentinel-2 images through Sentinel-1 (config section cloud_removal).

REQUIRED INPUTS: the reliefs of the virtual pairs, or the products of the real ones
OUTPUTS:         cloud_removal/pairs/{pair}/{sentinel1,sentinel2}_{t0,t1}.tif, and there cloud_t1.tif, severity.tif,
                 year_low.tif, year_high.tif; cloud_removal/tiles/{train,validation,test,other_dates}.nc and report.json;
                 cloud_removal/{normalisation,snow}.json; cloud_removal/search.tsv and products/{product}.zip
"""

from dataclasses import fields

from firn.cloud_removal.pair_table import read_pair_products
from firn.cloud_removal.pairs import PairFiles
from firn.acquisition_config import Retries

CLOUD_REMOVAL = CONFIG.cloud_removal
CLOUD_REMOVAL_FOLDER = str(CONFIG.root / "cloud_removal")
PAIRS = (*CLOUD_REMOVAL.pairs, *CLOUD_REMOVAL.inputs)
#: Files of a pair by the names that the scripts know them by.
PAIR_FILES = {
    field.name: f"{CLOUD_REMOVAL_FOLDER}/pairs/{{pair}}/{field.name}.tif"
    for field in fields(PairFiles)
}
#: File of the tiles of pairs that test alone, where there are such pairs.
OTHER_DATES_TILES = (
    {"other_dates": "<results>/cloud_removal/tiles/other_dates.nc"}
    if CLOUD_REMOVAL.tiles.test_pairs
    else {}
)


if CLOUD_REMOVAL.pairs:

    rule simulate_pair:
        input:
            relief=lambda wildcards: relief(CLOUD_REMOVAL.pairs[wildcards.pair].tile),
            spectra=SPECTRA,
            responses=data_file("responses", load_sensor("sentinel2a").response, ".csv"),
        output:
            **PAIR_FILES,
        log:
            "<logs>/simulate_pair/{pair}.log",
        benchmark:
            "<benchmarks>/simulate_pair/{pair}.tsv"
        wildcard_constraints:
            pair=one_of(CLOUD_REMOVAL.pairs),
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(20),
        params:
            simulation=simulation(),
            pair=lambda wildcards: settings(CLOUD_REMOVAL.pairs[wildcards.pair]),
            bands=CLOUD_REMOVAL.bands,
            radar=settings(CLOUD_REMOVAL.radar),
            fires=settings(CLOUD_REMOVAL.fires),
            seed=CONFIG.seed,
            code=code("simulate_pair.py"),
        script:
            "../scripts/simulate_pair.py"


if CLOUD_REMOVAL.inputs:

    rule prepare_pair:
        input:
            lambda wildcards: [
                getattr(CLOUD_REMOVAL.inputs[wildcards.pair], f"sentinel{number}_{date}")
                for number in (1, 2)
                for date in ("t0", "t1")
            ],
        output:
            **PAIR_FILES,
        log:
            "<logs>/prepare_pair/{pair}.log",
        benchmark:
            "<benchmarks>/prepare_pair/{pair}.tsv"
        wildcard_constraints:
            pair=one_of(CLOUD_REMOVAL.inputs),
        # SNAP takes the cores that there are.
        threads: 4
        resources:
            mem_mb=growing(16000),
            runtime=growing(240),
        params:
            pair=lambda wildcards: settings(CLOUD_REMOVAL.inputs[wildcards.pair]),
            bands=CLOUD_REMOVAL.bands,
            snap=settings(CLOUD_REMOVAL.sentinel1),
            code=code("prepare_pair.py"),
        script:
            "../scripts/prepare_pair.py"


rule pair_tiles:
    input:
        later=expand(PAIR_FILES["sentinel2_t1"], pair=PAIRS),
        others=expand(
            [path for name, path in PAIR_FILES.items() if name != "sentinel2_t1"], pair=PAIRS
        ),
    output:
        **OTHER_DATES_TILES,
        train="<results>/cloud_removal/tiles/train.nc",
        validation="<results>/cloud_removal/tiles/validation.nc",
        test="<results>/cloud_removal/tiles/test.nc",
        report="<results>/cloud_removal/tiles/report.json",
        normalisation="<results>/cloud_removal/normalisation.json",
    log:
        "<logs>/pair_tiles.log",
    benchmark:
        "<benchmarks>/pair_tiles.tsv"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        areas=PAIRS,
        tiles=settings(CLOUD_REMOVAL.tiles),
        normalisation=settings(CLOUD_REMOVAL.normalisation),
        seed=CONFIG.seed,
        code=code("pair_tiles.py"),
    script:
        "../scripts/pair_tiles.py"


# What lies under a cloud is known where every image is virtual.
if not CLOUD_REMOVAL.inputs:

    rule snow_below_clouds:
        input:
            **OTHER_DATES_TILES,
            models=expand(
                "<results>/cloud_removal/models/{generator}.safetensors",
                generator=CLOUD_REMOVAL.networks.generators,
            ),
            test=rules.pair_tiles.output.test,
        output:
            scores="<results>/cloud_removal/snow.json",
        log:
            "<logs>/snow_below_clouds.log",
        benchmark:
            "<benchmarks>/snow_below_clouds.tsv"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            settings=settings(CONFIG.snow_maps),
            code=code("snow_below_clouds.py"),
        script:
            "../scripts/snow_below_clouds.py"


#: Table of the pairs that were found, for someone to look at and to shorten.
PAIR_TABLE = f"{CLOUD_REMOVAL_FOLDER}/search.tsv"
FOUND = CLOUD_REMOVAL.search is not None and Path(PAIR_TABLE).exists()
try:
    #: Its products by path.
    PAIR_PRODUCTS = {
        f"{CLOUD_REMOVAL_FOLDER}/products/{product.file}": product
        for product in (read_pair_products(PAIR_TABLE) if FOUND else ())
    }
except FirnError as error:
    raise WorkflowError(str(error)) from None
#: Those that are to be fetched: no change of code ever fetches a file again.
UNFETCHED = {path: product for path, product in PAIR_PRODUCTS.items() if not Path(path).exists()}


if CLOUD_REMOVAL.search:

    rule search_pairs:
        input:
            area=CLOUD_REMOVAL.search.area,
        output:
            table=PAIR_TABLE,
        log:
            "<logs>/search_pairs.log",
        benchmark:
            "<benchmarks>/search_pairs.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(60),
        params:
            settings=settings(CLOUD_REMOVAL.search),
            code=code("search_pairs.py"),
        script:
            "../scripts/search_pairs.py"


if UNFETCHED:

    rule fetch_pair_product:
        output:
            product=CLOUD_REMOVAL_FOLDER + "/products/{file}",
        log:
            "<logs>/fetch_pair_product/{file}.log",
        benchmark:
            "<benchmarks>/fetch_pair_product/{file}.tsv"
        wildcard_constraints:
            file=one_of(sorted(product.file for product in UNFETCHED.values())),
        localrule: True
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(600),
            download=1,
        params:
            product=lambda wildcards: asdict(
                UNFETCHED[f"{CLOUD_REMOVAL_FOLDER}/products/{wildcards.file}"]
            ),
            area=CLOUD_REMOVAL.search.area,
            retries=settings(ACQUISITION.retries if ACQUISITION else Retries()),
            code=code("fetch_pair_product.py"),
        script:
            "../scripts/fetch_pair_product.py"


localrules:
    cloud_removal_products,
    cloud_removal_tiles,


# As with the acquisition: the first call searches and writes the table, the next one fetches what it names.
rule cloud_removal_products:
    input:
        list(PAIR_PRODUCTS) or ([PAIR_TABLE] if CLOUD_REMOVAL.search else []),


rule cloud_removal_tiles:
    input:
        "<results>/config.yaml",
        rules.pair_tiles.output,
