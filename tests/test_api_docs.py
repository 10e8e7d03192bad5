"""docs/api.md and docs/tour.ipynb are run as they stand, the HTTP example and the MCP tools against a served page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "e2e"))
from serving import serve

from decoders.models import catalogue
from decoders.registry import METHODS
from decoders.trace import Trace

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "api.md").read_text(), re.M | re.S)
ADDRESS = "http://127.0.0.1:7860"
pytestmark = pytest.mark.skipif(
    not list((catalogue.MODELS / "tiny-llada").glob("*.safetensors")), reason="assets/models/tiny-llada has no weights"
)


def test_the_python_of_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    told: dict = {}
    for block in BLOCKS[:-1]:
        exec(compile(block, "docs/api.md", "exec"), told)
    said = capsys.readouterr().out
    assert "14" in told["trace"].text and told["trace"].difference() is None
    assert told["watched"].trace.finish in ("eos", "length")
    assert "True [" in said and "SSD (Self Speculative Decoding" in said
    assert Trace.load(tmp_path / "t.json.gz").tokens == told["trace"].tokens
    assert (tmp_path / "t-tokens.csv").read_text().startswith("position,block,token_id,text,state,")


def test_the_example_for_gradio_client_runs_against_a_served_page(tmp_path, capsys):
    pytest.importorskip("gradio_client")
    (code,) = [block for block in BLOCKS if ADDRESS in block]
    for url in serve(["app.py"], tmp_path):
        told: dict = {}
        exec(compile(code.replace(ADDRESS, url), "docs/api.md", "exec"), told)
        ours = Trace.from_bytes(_ran().to_bytes())
        assert told["result"]["ids"] == list(ours.ids) and told["result"]["reference"]["identical"] is True
        named = told["client"].view_api(return_format="dict", print_info=False)["named_endpoints"]
        assert set(named) == {f"/{m.id}" for m in METHODS}
    assert ours.text in capsys.readouterr().out


def _ran() -> Trace:
    from decoders.run import run

    return run("ssd", "tiny-llada", "What is 12 + 7 - 5?", n=4)


def test_without_the_package_mcp_the_flag_is_refused_in_one_sentence(tmp_path):
    hide = "import sys; sys.modules['mcp'] = None; sys.argv = ['app.py', '--mcp']; import runpy; "
    hide += "import importlib.util as u; u.find_spec = lambda name, *rest, real=u.find_spec: None if name == 'mcp' "
    hide += "else real(name, *rest); runpy.run_path('app.py', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", hide],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 1
    assert done.stderr == '--mcp needs the package mcp, which is not installed: pip install "gradio[mcp]".\n'


def test_an_mcp_client_finds_one_tool_per_method_and_can_use_it(tmp_path):
    pytest.importorskip("mcp", reason='the package mcp is not installed: pip install "gradio[mcp]"')
    anyio = pytest.importorskip("anyio")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def ask(url: str):
        async with streamable_http_client(f"{url}/gradio_api/mcp/") as (reads, writes, _):
            async with ClientSession(reads, writes) as session:
                await session.initialize()
                tools = (await session.list_tools()).tools
                arguments = {"prompt": "What is 12 + 7 - 5?", "n": 4}
                return tools, await session.call_tool(tool_of(tools, "ssd").name, arguments)

    def tool_of(tools, method: str):
        (tool,) = [t for t in tools if t.name.removeprefix("unmasked_").replace("_", "-") == method]
        return tool

    for url in serve(["app.py", "--mcp"], tmp_path):
        tools, answer = anyio.run(ask, url)
    for m in METHODS:
        tool = tool_of(tools, m.id)
        assert {"prompt", "seed", *(k.name for k in m.params.knobs())} <= set(tool.inputSchema["properties"])
        assert m.summary in tool.description
    assert len(tools) == len(METHODS)
    assert not answer.isError and _ran().text in answer.content[0].text


# ------------------------------------------------------------ the notebook
def test_the_notebook_is_small_carries_no_output_and_is_valid():
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    path = ROOT / "docs" / "tour.ipynb"
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert len(code) >= 5 and path.stat().st_size < 10_000
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_notebook_runs_from_top_to_bottom(monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    book = nbformat.read(ROOT / "docs" / "tour.ipynb", as_version=4)
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(ROOT / "docs")}}).execute()
    outputs = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs]
    said = "".join(o.get("text", "") for o in outputs)
    assert "identical: True" in said and "position,block,token_id,text" in said
    kinds = {
        kind for cell in book.cells if cell.cell_type == "code" for o in cell.outputs for kind in o.get("data", {})
    }
    assert any("plotly" in kind for kind in kinds)
