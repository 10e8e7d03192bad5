"""A point as something to take along: Python, a command, a sweep's spec, the settings of a link."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from decoders import registry


def python(point: Mapping[str, Any], prompt: str, seed: int = 0) -> str:
    """Lines of Python that make the run."""
    models = dict(point["models"])
    cast = next(iter(models.values())) if len(models) == 1 else models
    more = "".join(f", {name}={value!r}" for name, value in point["settings"].items())
    return (
        "from decoders.run import run\n\n"
        f"trace = run({point['method']!r}, {cast!r}, {prompt!r}, reference=True, seed={seed}{more})\n"
        "print(trace.text, trace.calls, trace.rows_tokens, trace.seconds, trace.difference())\n"
    )


def command(point: Mapping[str, Any], prompt: str, seed: int = 0) -> str:
    """A line for a shell that makes the run."""
    method = registry.method(point["method"])
    flags = ["model", *list(method.roles)[1:]]
    words = [".venv/bin/python", "-m", "app", "run", method.id]
    for flag, name in zip(flags, point["models"].values(), strict=True):
        words += [f"--{flag}", name]
    for name, value in point["settings"].items():
        words += [f"--{name.replace('_', '-')}={value}"]
    words += ["--seed", str(seed), "--prompt", prompt, "--reference"]
    return shlex.join(words)


def spec(point: Mapping[str, Any], prompts: Any) -> str:
    """A sweep's spec of this point alone, YAML."""
    models = dict(point["models"])
    body = {
        "models": [next(iter(models.values())) if len(models) == 1 else models],
        "methods": {point["method"]: {name: [value] for name, value in point["settings"].items()}},
        "prompts": prompts,
    }
    return yaml.safe_dump(body, sort_keys=False)


def link(point: Mapping[str, Any], prompt: str, seed: int = 0, dtype: str = "float32") -> dict[str, Any]:
    """What stands behind `#c=` in the page's address, before it is encoded: see `app.links`."""
    body = {"method": point["method"], "models": dict(point["models"]), "prompt": prompt, "seed": seed, "dtype": dtype}
    # Through JSON, as an address would carry it.
    return json.loads(json.dumps({**body, "knobs": dict(point["settings"])}))
