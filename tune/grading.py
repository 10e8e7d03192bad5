"""Was the answer right? Graders that may hang or crash run in a process of their own, with a time limit.

Plain kinds (number, choice, phrase, asserts) are the corpus' own: `asserts` has a sandbox for what the model wrote, and
an answer that hangs in it is a wrong answer. A regular expression can take forever, and a person's own Python function
can do anything, so both are asked in another interpreter; what goes wrong there is said, and nothing else stops."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from training.corpus import Item, grade
from tune.prompts import Prompt

SECONDS = 10.0

# Reads a job, writes {"score": number}. The person's function gets the text and the line of the prompt file.
_OWN = """
import importlib.util, json, sys
job = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location("grader", job["path"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
score = getattr(module, job["name"])(job["text"], job["prompt"])
print("\\n" + json.dumps({"score": None if score is None else float(score)}))
"""
_REGEX = """
import json, re, sys
job = json.load(sys.stdin)
print("\\n" + json.dumps({"score": float(re.search(job["pattern"], job["text"]) is not None)}))
"""


class GraderFailed(Exception):
    """The grader hung, crashed or answered something that is no score; the message is one sentence."""


def score(prompt: Prompt, text: str, own: str = "", seconds: float = SECONDS) -> float | None:
    """How right a text is, 0 to 1; None where the prompt has no grader. `own` is "path.py:function", a function
    (text, prompt as a dict) -> number or None that is asked instead. Raises `GraderFailed`."""
    if own:
        path, _, name = own.rpartition(":")
        job = {"path": str(Path(path).resolve()), "name": name, "text": text, "prompt": asdict(prompt)}
        return _asked(_OWN, job, f"grader {name}", seconds)
    if prompt.grader is None:
        return None
    if prompt.grader[0] == "regex":
        return _asked(_REGEX, {"pattern": prompt.grader[1], "text": text}, "grader regex", seconds)
    try:
        right = grade(Item(prompt.family, prompt.text, "", prompt.grader), text)
    except Exception as error:
        raise GraderFailed(f"grader {prompt.grader[0]} failed ({type(error).__name__}: {error}).") from error
    return None if right is None else float(right)


def _asked(program: str, job: dict, what: str, seconds: float) -> float | None:
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GraderFailed(f"{what} ran longer than {seconds:g} s and was stopped.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise GraderFailed(f"{what} failed ({last[:200]}).")
    try:
        found = json.loads(done.stdout.splitlines()[-1])["score"]
    except (ValueError, LookupError, TypeError) as error:
        raise GraderFailed(f"{what} answered nothing.") from error
    if found is not None and not 0 <= found <= 1:
        raise GraderFailed(f"{what} answered {found}: a score must be from 0 to 1.")
    return found
