"""Who may import whom: methods know nothing of the page, views know traces only, and what should be light is light.

Read from the source with `ast`, so that an import inside a function counts too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "decoders", "viz", "tune", "training", "bench")


def files(package: str) -> list[Path]:
    return sorted(p for p in (ROOT / package).rglob("*.py") if "__pycache__" not in p.parts)


def imports(path: Path) -> set[str]:
    """Full names of everything a file imports: `from a.b import c` counts as `a.b` and `a.b.c`."""
    found = set()
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def users(package: str, *modules: str) -> dict[str, set[str]]:
    """The files of a package that import one of the modules or something inside it."""
    hits = {}
    for path in files(package):
        bad = {name for name in imports(path) for module in modules if name == module or name.startswith(module + ".")}
        if bad:
            hits[str(path.relative_to(ROOT))] = bad
    return hits


def test_there_is_something_to_look_at():
    assert len(files("decoders")) >= 15 and len(files("viz")) >= 3 and len(files("app")) >= 3
    assert "torch" in imports(ROOT / "decoders" / "sampling.py")
    assert "decoders.trace.Edit" in imports(ROOT / "decoders" / "canvas.py")


def test_decoders_know_nothing_of_the_page_or_the_views():
    assert users("decoders", "gradio", "plotly", "viz", "tune", "app", "training", "bench", "tests") == {}


def test_views_know_traces_only():
    assert users("viz", "torch", "transformers", "gradio", "tune", "app", "training", "bench", "tests") == {}
    for path in files("viz"):
        ours = {".".join(name.split(".")[:2]) for name in imports(path) if name.split(".")[0] == "decoders"}
        assert ours <= {"decoders", "decoders.trace", "decoders.errors"}, path


def test_tuning_knows_nothing_of_the_page_or_the_views():
    assert users("tune", "gradio", "plotly", "viz", "app", "bench", "tests") == {}


def test_only_the_app_imports_gradio():
    assert users("app", "gradio") != {}
    assert [package for package in PACKAGES if package != "app" and users(package, "gradio")] == []


def test_methods_do_not_import_each_other():
    methods = {path.stem for path in files("decoders/methods")} - {"__init__", "base"}
    for name in methods:
        others = {f"decoders.methods.{other}" for other in methods - {name}}
        assert imports(ROOT / "decoders" / "methods" / f"{name}.py").isdisjoint(others), name


def test_methods_do_not_reach_past_the_model_interface():
    assert (
        users(
            "decoders/methods",
            "transformers",
            "decoders.models.hf",
            "decoders.models.catalogue",
            "decoders.run",
            "random",
            "numpy",
        )
        == {}
    )


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "common.py", "misc.py"])
def test_no_drawer_for_everything(name):
    assert [path for package in PACKAGES for path in files(package) if path.name == name] == []


def calls(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}, node.lineno


def test_no_code_from_the_hub_is_ever_run():
    for path in (path for package in PACKAGES for path in files(package)):
        for _, keywords, line in calls(path):
            assert keywords.get("trust_remote_code", "False") == "False", f"{path}:{line}"


def test_decoders_read_no_pickles():
    assert users("decoders", "pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal") == {}
    for path in files("decoders"):
        for name, _, line in calls(path):
            assert name not in ("torch.load", "pickle.load", "pickle.loads", "eval", "exec"), f"{path}:{line}"


HEAVY = ("torch", "transformers", "gradio", "plotly", "numpy")


def loaded(module: str) -> set[str]:
    """Which heavy libraries a fresh interpreter has after importing the module."""
    code = f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["decoders", "decoders.trace", "decoders.errors", "decoders.params"])
def test_light_modules_stay_light(module):
    assert loaded(module) == set()


def test_methods_load_torch_but_not_transformers():
    assert loaded("decoders.registry") & {"transformers", "gradio", "plotly"} == set()


def test_the_command_line_does_not_load_gradio():
    assert (ROOT / "app" / "__main__.py").is_file()
    assert "gradio" not in loaded("app.__main__")
