"""Dry runs: every configuration gives a complete graph of jobs, and every artefact is in one."""

import re
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Call, Snakemake

DEMO = ("--configfile", "config/demo.yaml", "--profile", "workflow/profiles/local")

#: Files of a run, without its folder, as the design of firn lists them.
ARTEFACTS = (
    r"config\.yaml",
    r"kde/alps/spot[1-5]\.nc",
    r"stacks/\d{2}[A-Z]{3}/\d{8}/toa_20m\.tif",
    r"stacks/\d{2}[A-Z]{3}/\d{8}/labels\.tif",
    r"stacks/\d{2}[A-Z]{3}/\d{8}/hillshade\.tif",
    r"terrain/\d{2}[A-Z]{3}/dem\.tif",
    r"terrain/\d{2}[A-Z]{3}/dem_origin\.tif",
    r"terrain/\d{2}[A-Z]{3}/exclusion\.tif",
    r"patches/\d{2}[A-Z]{3}/\d{8}\.nc",
    r"pseudo/alps/spot[1-5]/\d{2}[A-Z]{3}/\d{8}\.nc",
    r"datasets/[\w-]+/samples\.csv",
    r"datasets/[\w-]+/statistics\.json",
    r"models/unet-spot[24]/preliminary/\d+\.safetensors",
    r"models/unet-spot[24]/selection\.json",
    r"models/[\w-]+/model\.safetensors",
    r"models/unet-spot[24]/history\.csv",
    r"evaluation/[\w-]+/pseudo\.json",
    r"evaluation/[\w-]+/historical\.json",
    r"evaluation/comparison\.csv",
    r"evaluation/situations\.csv",
    r"real/[\w-]+\.json",
    r"maps/[\w-]+/[\w.-]+/snow\.tif",
    r"maps/[\w-]+/[\w.-]+/probability\.tif",
    r"maps/[\w-]+/[\w.-]+/quality\.tif",
    r"maps/[\w-]+/[\w.-]+/item\.json",
    r"maps/[\w-]+/[\w.-]+/snow\.tif\.aux\.xml",
    r"catalog\.json",
    r"scenes\.(parquet|csv)",
)


@pytest.fixture(scope="module")
def demo(snakemake: Snakemake) -> Call:
    call = snakemake(*DEMO, "-n")
    assert call.code == 0, call.text
    return call


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_artefact_is_an_output_of_a_rule(demo: Call, results: Path, artefact: str) -> None:
    pattern = re.compile(re.escape(f"{results}/demo/") + artefact)
    assert any(pattern.fullmatch(path) for path in demo.outputs())


def test_demo_has_one_job_per_scene_where_scenes_are_independent(demo: Call) -> None:
    simulation = yaml.safe_load((ROOT / "config/demo.yaml").read_text())["simulation"]
    jobs = demo.jobs()
    scenes = sum(map(len, simulation["sentinel2"].values()))
    for rule in ("simulate_sentinel2", "toa", "hillshade", "labels", "patches", "emulate"):
        assert jobs[rule] == scenes
    assert jobs["simulate_spot"] == jobs["classify"] == len(simulation["spot"])
    assert jobs["dataset"] == 2


#: Those that make maps; the other simulates Sentinel-2 images.
MAPPING = sorted({*(ROOT / "config").glob("*.yaml")} - {ROOT / "config/cloud_removal.yaml"})


@pytest.mark.parametrize("path", MAPPING, ids=lambda p: p.stem)
def test_every_configuration_gives_a_graph(snakemake: Snakemake, demo: Call, path: Path) -> None:
    options = ("--configfile", path, "--profile", "workflow/profiles/local", "-n")
    call = demo if path.stem == "demo" else snakemake(*options)
    assert call.code == 0, call.text
    assert {"toa", "emulate", "train_intensive", "classify", "comparison"} <= call.jobs().keys()


def test_bare_slurm_profile_runs_the_real_configuration(snakemake: Snakemake) -> None:
    call = snakemake("--profile", "slurm", "-n")
    assert call.code == 0, call.text
    jobs = call.jobs()
    # Five satellites and two areas; ten seeds of two trained methods each.
    assert jobs["dataset"] == 10
    assert jobs["train_preliminary"] == 5 * 2 * 2 * 10


def test_real_trainings_ask_for_a_gpu(snakemake: Snakemake, results: Path) -> None:
    target = f"{results}/swh/models/unet-spot4-pyrenees/selection.json"
    call = snakemake("--profile", "slurm", "-n", target)
    trainings = re.findall(r"rule train_preliminary:.*?resources: ([^\n]+)", call.text, re.DOTALL)
    assert len(trainings) == 10
    for resources in trainings:
        assert "gpu=1" in resources
        assert "mem_mb=" in resources
        assert "runtime=" in resources


def test_clusters_without_gpus_of_sbatch_are_asked_by_gres(
    snakemake: Snakemake, results: Path
) -> None:
    target = f"{results}/swh/models/unet-spot4-pyrenees/selection.json"
    profiles = ("--profile", "slurm", "--workflow-profile", "workflow/profiles/gres")
    call = snakemake(*profiles, "-n", target)
    trainings = re.findall(r"rule train_preliminary:.*?resources: ([^\n]+)", call.text, re.DOTALL)
    assert len(trainings) == 10
    for resources in trainings:
        assert "gpu=0" in resources
        assert "gres=gpu:1" in resources
        assert "mem_mb=32000" in resources


def test_parts_of_a_run_have_names(snakemake: Snakemake, demo: Call) -> None:
    call = snakemake(*DEMO, "--list-rules")
    assert {"archive", "pseudo", "models", "maps", "scores", "figures"} <= set(call.out.split())
    models = snakemake(*DEMO, "-n", "models").jobs()
    assert models.keys() - {"models"} < demo.jobs().keys()
    assert "classify" not in models


def test_a_file_can_be_asked_for_by_name(snakemake: Snakemake, results: Path) -> None:
    call = snakemake(*DEMO, "-n", f"{results}/demo/stacks/32TPT/20180118/hillshade.tif")
    assert call.jobs()["hillshade"] == 1
    assert "train_preliminary" not in call.jobs()


def test_excluded_scene_is_left_out(snakemake: Snakemake, demo: Call) -> None:
    call = snakemake(*DEMO, "-n", config="exclude=['32TPT/20180118']")
    assert call.jobs()["toa"] == demo.jobs()["toa"] - 1
    assert "32TPT/20180118" not in "".join(call.outputs())


def edges(graph: str) -> set[tuple[str, str]]:
    """Edges of a mermaid graph, by the names of its nodes."""
    names = dict(re.findall(r"(id\d+)\[([^]]+)\]", graph))
    return {(names[start], names[end]) for start, end in re.findall(r"(id\d+) --> (id\d+)", graph)}


def test_rulegraph_stands_in_the_docs(snakemake: Snakemake) -> None:
    call = snakemake(*DEMO, "--rulegraph", "mermaid-js")
    assert call.code == 0, call.text
    _, *graphs = (ROOT / "docs/workflow.md").read_text().split("```mermaid")
    assert edges(graphs[0]) == edges(call.out)


def test_dag_stands_in_the_docs(snakemake: Snakemake, results: Path) -> None:
    target = f"{results}/demo/patches/32TPT/20180118.nc"
    call = snakemake(*DEMO, "--dag", "mermaid-js", "--forceall", target)
    assert call.code == 0, call.text
    _, *graphs = (ROOT / "docs/workflow.md").read_text().split("```mermaid")
    assert edges(graphs[1]) == edges(call.out)


def test_unknown_key_is_refused_in_one_message(snakemake: Snakemake) -> None:
    call = snakemake(*DEMO, "-n", config="pathces=3")
    assert call.code != 0
    assert "pathces: Extra inputs are not permitted" in call.text
    assert "Traceback" not in call.text


def test_ablation_has_one_training_per_recipe_sensor_and_seed(snakemake: Snakemake) -> None:
    call = snakemake("--configfile", "config/ablation.yaml", "--cores", "2", "-n", "ablation")
    assert call.code == 0, call.text
    config = yaml.safe_load((ROOT / "config/ablation.yaml").read_text())
    ablation, jobs = config["ablation"], call.jobs()
    rows = len(ablation["recipes"]) * len(ablation["seeds"]) * len(config["sensors"])
    assert jobs["train_recipe"] == rows
    scenes = sum(map(len, config["simulation"]["sentinel2"].values()))
    assert jobs["simulate_twins"] == jobs["twin_patches"] == scenes
    assert jobs["distances"] == len(config["sensors"])
    assert "train_preliminary" not in jobs


def test_pairs_of_both_kinds_become_tiles(snakemake: Snakemake, tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "config/cloud_removal.yaml").read_text())
    section = content["cloud_removal"]
    path = tmp_path / "virtual.yaml"
    path.write_text(yaml.safe_dump(content))
    target = ("--configfile", path, "--cores", "2", "-n", "cloud_removal_tiles")
    call = snakemake(*target)
    assert call.code == 0, call.text
    assert call.jobs()["simulate_pair"] == len(section["pairs"])
    assert call.jobs()["pair_tiles"] == 1
    images = {}
    for name in ("sentinel2_t0", "sentinel2_t1", "sentinel1_t0", "sentinel1_t1"):
        images[name] = str(tmp_path / f"{name}.tif")
        Path(images[name]).touch()
    section["inputs"] = {"fire": images}
    path.write_text(yaml.safe_dump(content))
    jobs = snakemake(*target).jobs()
    assert (jobs["simulate_pair"], jobs["prepare_pair"]) == (len(section["pairs"]), 1)
