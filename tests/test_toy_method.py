"""A method is one file and one line: the one in docs/adding-a-method.md, as it is printed there, becomes a module of
a package that did not exist before and passes the contract that the built-in methods pass."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
import test_methods as contract
from toys import LETTERS, prompt, scripted, spell, tiny

from decoders import registry
from decoders.errors import BadParam, UnknownName
from decoders.run import Recording, run
from decoders.trace import Commit, Trace

PAGE = Path(__file__).resolve().parents[1] / "docs" / "adding-a-method.md"


def source() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 1, "the page has one complete example"
    return blocks[0]


@pytest.fixture(scope="module")
def leftmost(tmp_path_factory):
    """The METHOD of the page's file, imported from a package of its own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("site")
        (folder / "toy_methods").mkdir()
        (folder / "toy_methods" / "__init__.py").write_text("")
        (folder / "toy_methods" / "leftmost.py").write_text(source(), encoding="utf-8")
        patch.syspath_prepend(folder)
        yield importlib.import_module("toy_methods.leftmost").METHOD


@pytest.fixture
def method(leftmost):
    return leftmost


@pytest.fixture(params=["llama-full", "qwen3-block"])
def trace(request, leftmost):
    return run(leftmost, tiny(request.param, 3), prompt(11), seed=3, reference=True, max_new=20, block=8)


def clauses(*fixtures: str):
    """The tests of the contract that need these fixtures, by name."""
    found = {name: f for name, f in vars(contract).items() if name.startswith("test_")}
    return [name for name, f in found.items() if tuple(inspect.signature(f).parameters) == fixtures]


@pytest.mark.parametrize("clause", clauses("method"))
def test_the_contract_holds_for_the_method(clause, method):
    getattr(contract, clause)(method)


@pytest.mark.parametrize("clause", clauses("method", "kind"))
@pytest.mark.parametrize("kind", contract.ATTENTION)
def test_the_contract_holds_on_both_kinds_of_attention(clause, kind, method):
    getattr(contract, clause)(method, kind)


@pytest.mark.parametrize("clause", clauses("trace"))
def test_the_contract_holds_for_its_traces(clause, trace):
    getattr(contract, clause)(trace)


def test_the_contract_is_not_empty():
    assert (len(clauses("method")), len(clauses("method", "kind")), len(clauses("trace"))) >= (9, 2, 9)


def test_one_line_lists_it(leftmost):
    methods = (*registry.METHODS, leftmost)
    assert registry.method("leftmost", methods) is leftmost
    with pytest.raises(UnknownName, match="did you mean leftmost[?]"):
        registry.method("leftmos", methods)
    assert "leftmost" not in [m.id for m in registry.METHODS]


def test_it_does_what_its_docstring_says(leftmost):
    model = scripted(
        {"XMMMM": "A@1 .3, B@2 .9, C@3 .9", "XAMMM": "D@2 .4, C@3 .9", "XADMM": "E@3 .9, F@4 .8", "XADEM": "G@4 .5"}
    )
    trace = run(leftmost, model, spell("X"), max_new=4, block=2, k=1)
    assert "".join(LETTERS[t] for t in trace.tokens) == "XADEG"
    assert trace.calls == 4
    assert [[e.pos for e in event.edits] for event in trace.events if isinstance(event, Commit)] == [[1], [2], [3], [4]]


def test_its_knob_is_read_and_checked(leftmost):
    recording = Recording(leftmost, tiny("llama-full"), prompt(4), k="4", max_new=8, block=8, early_stop=False)
    assert len(list(recording)) == 2 * 3 + 1 and recording.trace.calls == 2
    with pytest.raises(BadParam, match="^k = 9: must be between 1 and 8[.]$"):
        Recording(leftmost, tiny("llama-full"), prompt(4), k=9)


def test_its_trace_is_like_any_other(leftmost):
    trace = run(leftmost, tiny("llama-full"), prompt(4), max_new=8, block=4, reference=True)
    again = Trace.from_bytes(trace.to_bytes())
    assert again.events == trace.events and (again.method, again.title, again.guarantee) == (
        "leftmost",
        "Left to right",
        "approximate",
    )
    assert again.reference.method == "stepwise" and again.paper.endswith("arXiv:2502.09992")
