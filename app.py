"""Opens the explorer: what a Space runs, and `make run` on your machine."""

import argparse
import importlib.util
import sys

from app.ui import build, settings

demo = build()

if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mcp", action="store_true", help="also serve each method as a tool at /gradio_api/mcp/")
    mcp = options.parse_args().mcp
    if mcp and importlib.util.find_spec("mcp") is None:
        sys.exit('--mcp needs the package mcp, which is not installed: pip install "gradio[mcp]".')
    # max_size is set because the default is 1 on ZeroGPU: the second visitor would be turned away.
    demo.queue(max_size=32).launch(**settings(), mcp_server=mcp)
