"""The papers agree with the program: the methods table is the registry's, the README's commands exist, files load."""

import re
from pathlib import Path

import pytest

from app.__main__ import markdown, parser
from decoders.models import catalogue
from decoders.registry import METHODS
from decoders.trace import Trace

ROOT = Path(__file__).resolve().parents[1]
TRACES = sorted((ROOT / "assets" / "traces").glob("*.json.gz"))


def test_docs_methods_is_what_make_docs_writes():
    assert (ROOT / "docs" / "methods.md").read_text() == markdown(METHODS)


def test_every_app_command_of_the_readme_is_understood():
    commands = re.findall(r"^\.venv/bin/python -m app (.+)$", (ROOT / "README.md").read_text(), re.M)
    assert len(commands) >= 4
    for command in commands:
        words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', command)]
        assert parser(METHODS).parse_args(words).command == words[0]


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.M))
    assert {"run", "test"} <= named <= targets


def test_links_in_the_papers_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("path", TRACES, ids=lambda p: p.name)
def test_bundled_traces_load_and_exact_methods_are_identical_to_their_reference(path):
    trace = Trace.load(path)
    assert trace.model in {entry.id for entry in catalogue.CATALOGUE}
    assert trace.finish in ("eos", "length")
    assert trace.guarantee != "greedy-exact" or trace.difference() is None


def test_there_is_a_bundled_trace_of_every_method_on_the_same_prompt():
    runnable = [m for m in METHODS if not any(map(catalogue.missing, catalogue.default_models(m).values()))]
    prompts = {m.id: {t.prompt for t in map(Trace.load, TRACES) if t.method == m.id} for m in runnable}
    assert set.intersection(*prompts.values())


def test_no_registry_host_or_machine_path_is_committed():
    hosts = re.compile(
        r"pypi\.org|files\.pythonhosted|download\.pytorch|registry\.npmjs|deb\.debian|/root/|/home/\w+/|/opt/wheels"
    )
    for path in [
        *ROOT.glob("*"),
        *(ROOT / "docs").glob("*.md"),
        *(p for d in ("app", "decoders", "viz") for p in (ROOT / d).rglob("*.py")),
    ]:
        if path.is_file() and path.suffix in (".py", ".md", ".toml", ".txt", ""):
            assert not hosts.search(path.read_text()), path.name
