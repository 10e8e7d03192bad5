"""The prompts of a sweep: held-out questions of the bundled task families, or the lines of somebody's own file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from decoders.errors import BadParam, UnknownName, UsageError
from decoders.trace import MAX_TEXT
from training.corpus import FAMILIES, HELD_OUT, items

# As `training.evaluate` asks: questions that no model here was trained on or watched with.
SEED = 1
MOST = 5_000
MAX_LINES = 8 * 2**20  # bytes of a file of prompts
# Graders that are plain data, and what stands behind their names; `tune.grading` reads them.
GRADERS = {"number": (1, 1), "choice": (2, 2), "phrase": (1, 1), "regex": (1, 1), "asserts": (1, 1)}


@dataclass(frozen=True)
class Prompt:
    """A question. `grader` is plain data, (kind, value, ...), or None where there is no right answer. `fault` says why
    it cannot be asked: a line of a file that is no prompt keeps its place in the table."""

    id: str
    family: str
    text: str
    grader: tuple | None = None
    fault: str = ""


def of_family(names: str | Sequence[str], n: int, seed: int = SEED) -> list[Prompt]:
    """`n` held-out prompts of each family named; "graded" are all that have right answers, "all" are all."""
    groups = {"all": FAMILIES, "graded": tuple(f for f in FAMILIES if f != "story")}
    wanted = groups.get(names, (names,)) if isinstance(names, str) else tuple(names)
    for name in wanted:
        if name not in FAMILIES:
            raise UnknownName("family of prompts", str(name), [*FAMILIES, *groups])
    if type(n) is not int or not 1 <= n <= MOST:
        raise BadParam(f"n = {n!r}: must be a whole number of prompts from 1 to {MOST}.")
    out = []
    for family in wanted:
        try:
            found = list(items(family, HELD_OUT, n, seed))
        except ValueError as error:
            raise BadParam(f"n = {n}: {error}") from error
        out += [Prompt(f"{family}-{seed}-{i}", family, item.prompt, item.grader) for i, item in enumerate(found)]
    return out


def of_file(path: Path) -> list[Prompt]:
    """The lines of a JSONL file: {"prompt": text} with, if wanted, "id", "family" and "grader", [kind, value, ...].
    A line that is none of these is a prompt with a fault; a file that cannot be read is refused."""
    try:
        if path.stat().st_size > MAX_LINES:
            raise UsageError(f"{path} has {path.stat().st_size} bytes: at most {MAX_LINES} are allowed; split it.")
        return of_lines(path.read_text(encoding="utf-8"), path.stem)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): name a JSONL file of prompts.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error


def of_lines(text: str, name: str = "prompts") -> list[Prompt]:
    """As `of_file`, of the text of such a file; `name` begins the ids of prompts without one."""
    lines = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise UsageError(f'{name} has no prompts: write one JSON object a line, {{"prompt": "..."}}.')
    if len(lines) > MOST:
        raise UsageError(f"{name} has {len(lines)} prompts: at most {MOST} are allowed; split it.")
    return [_line(f"{name}-{i}", line) for i, line in lines]


def _line(where: str, line: str) -> Prompt:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Prompt(where, "own", "", None, f"{where}: is not JSON ({error}).")
    text = given.get("prompt") if isinstance(given, dict) else None
    if not isinstance(text, str) or not text.strip():
        return Prompt(where, "own", "", None, f'{where}: must be an object with a text "prompt".')
    family, id = given.get("family", "own"), given.get("id", where)
    if not isinstance(family, str) or not isinstance(id, str | int):
        return Prompt(where, "own", text, None, f'{where}: "family" and "id" must be texts.')
    if len(text) > MAX_TEXT:
        return Prompt(str(id), family, text[:80], None, f"{where}: has {len(text)} characters, more than {MAX_TEXT}.")
    try:
        return Prompt(str(id), family, text, _grader(given.get("grader"), where))
    except UsageError as error:
        return Prompt(str(id), family, text, None, str(error))


def _grader(given: Any, where: str) -> tuple | None:
    if given is None:
        return None
    kind, *values = given if isinstance(given, list) and given else [given]
    if kind not in GRADERS:
        raise UsageError(f"{where}: grader {kind!r} must be a list that begins with one of {', '.join(GRADERS)}.")
    least, most = GRADERS[kind]
    if not least <= len(values) <= most:
        raise UsageError(f"{where}: grader {kind} has {len(values)} values and needs {least}.")
    if kind == "number":
        if isinstance(values[0], bool) or not isinstance(values[0], int | float) or not math.isfinite(values[0]):
            raise UsageError(f"{where}: grader number = {values[0]!r} must be a finite number.")
        return kind, float(values[0])
    if kind == "asserts":
        if not isinstance(values[0], list) or not all(isinstance(line, str) for line in values[0]):
            raise UsageError(f"{where}: grader asserts must be followed by a list of lines of Python.")
        return kind, tuple(values[0])
    if not all(isinstance(value, str) and value for value in values):
        raise UsageError(f"{where}: grader {kind} must be followed by text.")
    return kind, *values


def read(given: Any, folder: Path | None) -> list[Prompt]:
    """The prompts that a spec asks for: {family, n, seed}, {file}, {lines: text} or a list of these. `folder` is where
    files are looked for; None: there are no files (a page's visitor names none)."""
    parts = given if isinstance(given, list) else [given]
    out: list[Prompt] = []
    for part in parts:
        if not isinstance(part, Mapping) or not {"family", "file", "lines"} & part.keys():
            raise UsageError(f"prompts = {part!r}: must be {{family: NAME, n: NUMBER}} or {{file: PATH}}.")
        known = {"family": {"family", "n", "seed"}, "file": {"file"}, "lines": {"lines"}}
        kind = next(key for key in known if key in part)
        for key in part:
            if key not in known[kind]:
                raise UnknownName(f"setting of prompts by {kind}", str(key), known[kind])
        if kind == "family":
            out += of_family(part["family"], part.get("n", 20), part.get("seed", SEED))
        elif kind == "lines":
            out += of_lines(str(part["lines"]))
        elif folder is None:
            raise UsageError("prompts: file: files are for the command line; give the lines themselves.")
        else:
            out += of_file(folder / str(part["file"]))
    if len({p.id for p in out}) < len(out):
        # Two prompts of one name would be counted as one: name them by what they say.
        out = [Prompt(f"{p.id}-{_short(p.text)}-{i}", p.family, p.text, p.grader, p.fault) for i, p in enumerate(out)]
    return out


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
