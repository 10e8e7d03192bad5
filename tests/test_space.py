"""A Space: runs in another process on ZeroGPU, what README and requirements tell the platform, what its guide says."""

import os
import re
import runpy
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
import yaml
from huggingface_hub import SpaceHardware
from huggingface_hub.cli.hf import app as hf
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from app import space
from decoders.models import catalogue
from decoders.models.public import public

ROOT = Path(__file__).resolve().parents[1]
needs_weights = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)


def python(*args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    # A forked process inherits torch's threads as they are; one of them is none to wait for.
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False", **variables}
    return subprocess.run([sys.executable, *args], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)


@needs_weights
def test_on_zerogpu_models_run_in_a_forked_process_and_only_plain_values_cross():
    fake = ROOT / "tests" / "zerogpu"
    done = python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(fake / "forked.py"),
        SPACES_ZERO_GPU="true", PYTHONPATH=os.pathsep.join([str(fake), str(ROOT)]),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout


# ------------------------------------------------------------ what the platform reads
# The keys of the Spaces configuration reference.
KEYS = """
title emoji colorFrom colorTo sdk python_version sdk_version suggested_hardware suggested_storage app_file app_port
app_build_command base_path fullWidth header short_description models datasets tags thumbnail pinned hf_oauth
hf_oauth_expiration_minutes hf_oauth_scopes disable_embedding startup_duration_timeout custom_headers preload_from_hub
license
""".split()
COLORS = "red yellow green blue indigo purple pink gray".split()
# What ZeroGPU accepts, from our lower bound on.
TORCH = ("2.9.1", "2.10.0", "2.11.0")


def front_matter() -> dict:
    _, text, _ = (ROOT / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(text)


def requirements() -> dict[str, SpecifierSet]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {r.name: r.specifier for r in found}


def test_the_front_matter_has_what_a_space_needs_in_keys_and_values_it_knows():
    said = front_matter()
    assert set(said) <= set(KEYS)
    assert (said["sdk"], said["app_file"], said["license"]) == ("gradio", "app.py", "apache-2.0")
    assert (ROOT / said["app_file"]).is_file()
    assert said["colorFrom"] in COLORS and said["colorTo"] in COLORS
    assert len(said["short_description"]) <= 60
    assert said["suggested_hardware"] in {flavor.value for flavor in SpaceHardware}
    assert re.fullmatch(r"\d+[mh]", said["startup_duration_timeout"])


def test_the_front_matter_and_the_requirements_agree():
    said, wanted = front_matter(), requirements()
    assert said["sdk_version"] in wanted["gradio"] and Version(said["sdk_version"]).is_prerelease is False
    (least,) = re.findall(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    # ZeroGPU has 3.10 and 3.12.
    assert said["python_version"] == "3.12" and Version(said["python_version"]) >= Version(least)
    assert [version for version in TORCH if version not in wanted["torch"]] == []
    # The platform brings these in versions of its own.
    assert {"spaces", "huggingface_hub", "huggingface-hub"}.isdisjoint(wanted)


GUIDE = (ROOT / "docs" / "spaces.md").read_text()


def commands() -> list[list[str]]:
    lines = "\n".join(re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.M | re.S)).splitlines()
    return [line.split() for line in lines if line]


def test_a_space_is_five_commands_and_the_platforms_program_knows_them_and_their_flags(capsys):
    assert len(re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.M | re.S)[0].splitlines()) == 5
    asked = [words[1:] for words in commands() if words[0] == ".venv/bin/hf"]
    assert [words[:2] for words in asked] == [
        ["auth", "login"], ["repos", "create"], ["upload", "YOU/unmasked"], ["spaces", "wait"], ["spaces", "variables"],
    ]  # fmt: skip
    for words in asked:
        command = list(takewhile(lambda word: re.fullmatch("[a-z]+", word), words))
        with pytest.raises(SystemExit) as left:
            hf(args=[*command, "--help"], prog_name="hf")
        said = capsys.readouterr().out
        assert left.value.code == 0 and f"hf {' '.join(command)}" in said
        for flag in [word for word in words if word.startswith("-")]:
            assert re.search(rf"(^|[ ,/]){flag}\b", said), (words, flag)


def test_the_guide_names_models_by_their_names():
    variable = re.search(r"-e UNMASKED_MODELS=(\S+)$", GUIDE, re.M)
    assert variable and {public(name).hub for name in variable[1].split(",")} == {"JetLM/SDAR-1.7B-Chat"}
    (lines,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.M | re.S)
    preload = yaml.safe_load(lines)
    assert preload["preload_from_hub"] == preload["models"] == ["JetLM/SDAR-1.7B-Chat"]
    # What is fetched when the Space is built is what is looked for when it starts.
    assert public("sdar-1.7b").revision == "main"


# ------------------------------------------------------------ how it is started
def started(monkeypatch, *args: str) -> str:
    """What app.py says on its way out."""
    monkeypatch.setattr(sys, "argv", ["app.py", *args])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    return str(left.value.code)


def test_a_page_that_cannot_start_says_why_in_one_sentence(monkeypatch):
    monkeypatch.setenv("UNMASKED_MODELS", "sdar-1.8b")
    assert started(monkeypatch) == "There is no model named 'sdar-1.8b'; did you mean sdar-1.7b?"
    monkeypatch.setattr(space, "ZERO", True)
    assert started(monkeypatch, "--allow-model-loading") == (
        "--allow-model-loading: on ZeroGPU only models loaded at the start can run; name them in UNMASKED_MODELS."
    )


def test_off_a_space_nothing_of_the_platform_is_needed():
    assert space.ZERO is False and space.door is space.work and "spaces" not in sys.modules
