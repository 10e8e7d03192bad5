"""What the hash of the page's address may ask for: a recorded run, or settings for the controls.

A link is a stranger's text. What is not understood is left out and named by one of the fixed words in `PARTS`."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from app.guest import Guest
from decoders.errors import ExplorerError
from decoders.methods.base import Method
from decoders.models import catalogue
from decoders.registry import method as find
from decoders.trace import MAX_TEXT, Trace

PARTS = {
    "run": "run",
    "lens": "view",
    "unit": "unit",
    "step": "step",
    "pos": "position",
    "settings": "settings",
    "lesson": "lesson",
    "page": "page of the lesson",
}


class Settings(NamedTuple):
    """What to put into the controls: `models` by role, `knobs` checked and of their kinds; `dtype` is "" where the
    link does not say one that is known."""

    method: Method
    models: dict[str, str]
    prompt: str
    seed: int
    knobs: dict[str, Any]
    dtype: str = ""


class Link(NamedTuple):
    """`run` and `settings` are None where the link has none; `wrong` names what was left out, for a sentence."""

    run: str | None
    settings: Settings | None
    wrong: tuple[str, ...]


def read(
    data: Any, methods: tuple[Method, ...], recorded: Callable[[str], bool], guests: tuple[Guest, ...] = ()
) -> Link:
    """The link that the player found in the address: `run`, `settings`, and `wrong`, the parts it could not follow.
    `guests` are the models that it may name beside the bundled ones."""
    data = data if isinstance(data, dict) else {}
    reported = data.get("wrong")
    wrong = [PARTS[part] for part in PARTS if isinstance(reported, list) and part in reported]
    run, settings = data.get("run"), None
    if run is not None and not (isinstance(run, str) and recorded(run)):
        run = None
        wrong.append(PARTS["run"])
    if data.get("settings") is not None:
        try:
            settings = _settings(data["settings"], methods, guests)
        except (ExplorerError, ValueError):
            wrong.append(PARTS["settings"])
    return Link(run, settings, tuple(dict.fromkeys(wrong)))


def encode(settings: Mapping[str, Any]) -> str:
    """The hash of an address that asks for these settings: method, models, prompt, seed, dtype, knobs."""
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    return "#c=" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def checked(given: Any, methods: tuple[Method, ...], guests: tuple[Guest, ...] = ()) -> Settings:
    """As `read` takes the settings of an address; raises `ExplorerError` or ValueError for what is wrong."""
    return _settings(given, methods, guests)


def of(trace: Trace, methods: tuple[Method, ...]) -> Settings | None:
    """What the controls have to say to make this run again; None where they cannot (another version's method or knobs,
    a model that is not here)."""
    try:
        return _settings(
            {
                "method": trace.method,
                "models": dict(trace.models),
                "prompt": trace.prompt,
                "seed": trace.seed,
                "knobs": dict(trace.params),
                "dtype": trace.dtype,
            },
            methods,
        )
    except (ExplorerError, ValueError):
        return None


def _settings(given: Any, methods: tuple[Method, ...], guests: tuple[Guest, ...] = ()) -> Settings:
    if not isinstance(given, dict):
        raise ValueError("settings must be an object")
    method = find(given.get("method", ""), methods)
    models, prompt, seed, knobs = (given.get(key) for key in ("models", "prompt", "seed", "knobs"))
    if not (isinstance(models, dict) and isinstance(knobs, dict) and isinstance(prompt, str) and type(seed) is int):
        raise ValueError("models and knobs must be objects, prompt a text, seed a whole number")
    if models.keys() != method.roles.keys() or len(prompt) > MAX_TEXT or not 0 <= seed < 2**53:
        raise ValueError("there must be a model for each role, and prompt and seed must be in their ranges")
    for role, kinds in method.roles.items():
        fits = [entry.id for entry in catalogue.fitting(kinds)] + [g.name for g in guests if g.attention in kinds]
        if models[role] not in fits:
            raise ValueError(f"{role} must be a model that fits")
    params = method.params.read(knobs)
    dtype = given.get("dtype")
    known = dtype if isinstance(dtype, str) and dtype in catalogue.DTYPES else ""
    return Settings(method, models, prompt, seed, {name: getattr(params, name) for name in knobs}, known)
