"""Opens the explorer: what a Space runs, and `make run` on your machine."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from app import space
from app.ui import build, settings
from decoders.errors import ExplorerError

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--mcp", action="store_true", help="also serve each method as a tool at /gradio_api/mcp/")
options.add_argument(
    "--allow-model-loading", action="store_true", help="let visitors name other models: hub ids, or folders here"
)
options.add_argument(
    "--sweep",
    type=Path,
    action="append",
    default=[],
    metavar="TABLE",
    help="a sweep's table to look at in the view Tune",
)
asked = options.parse_args(None if __name__ == "__main__" else [])
if asked.mcp and importlib.util.find_spec("mcp") is None:
    sys.exit('--mcp needs the package mcp, which is not installed: pip install "gradio[mcp]".')
if asked.allow_model_loading and space.ZERO:
    sys.exit("--allow-model-loading: on ZeroGPU only models loaded at the start can run; name them in UNMASKED_MODELS.")
# A Space has variables and no command line.
offered = tuple(name.strip() for name in os.getenv("UNMASKED_MODELS", "").split(",") if name.strip())
try:
    demo = build(offered=offered, loading=asked.allow_model_loading, tables=tuple(asked.sweep))
    space.preload(offered)
except ExplorerError as error:
    sys.exit(str(error))

if __name__ == "__main__":
    # max_size is set because the default is 1 on ZeroGPU: the second visitor would be turned away.
    demo.queue(max_size=32).launch(**settings(), mcp_server=asked.mcp)
