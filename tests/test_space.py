"""A Space: runs in another process on ZeroGPU, what README and requirements tell the platform, what its guide says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from decoders.models import catalogue

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
