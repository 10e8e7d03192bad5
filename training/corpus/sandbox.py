"""Runs a model-written Python function against assertions without trusting it.

Two independent layers: the source may hold only function definitions made of harmless syntax (no import, no attribute
but common methods, no builtin that reaches files or the interpreter), and it runs in a separate isolated interpreter
with limits on CPU time, memory, file size and open files, an empty environment and a wall-clock limit.
"""

import ast
import json
import secrets
import subprocess
import sys
import tempfile

WALL_SECONDS = 10  # generous on a busy machine; the CPU limit ends a loop long before
CPU_SECONDS = 1
MEMORY_BYTES = 512 * 1024 * 1024

# Everything a tiny function needs; all else (open, exec, getattr, ...) does not exist inside the sandbox.
ALLOWED_BUILTINS = (
    "abs",
    "all",
    "any",
    "bool",
    "dict",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "int",
    "isinstance",
    "len",
    "list",
    "map",
    "max",
    "min",
    "pow",
    "range",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "zip",
)

# A list of what is allowed, not of what is not: frames of generators lead out of the sandbox without any underscore.
ALLOWED_ATTRIBUTES = frozenset(
    (
        "add",
        "append",
        "capitalize",
        "copy",
        "count",
        "endswith",
        "extend",
        "find",
        "get",
        "index",
        "insert",
        "isalpha",
        "isdigit",
        "islower",
        "isupper",
        "items",
        "join",
        "keys",
        "lower",
        "lstrip",
        "pop",
        "remove",
        "replace",
        "reverse",
        "rstrip",
        "sort",
        "split",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
        "values",
    )
)

_RUNNER = """
import json, resource, sys
job = json.load(sys.stdin)
for name, limit in job["limits"].items():
    resource.setrlimit(getattr(resource, name), (limit, limit))
import builtins
allowed = {name: getattr(builtins, name) for name in job["builtins"]}
space = {"__builtins__": allowed}
exec(compile(job["source"], "<answer>", "exec"), space)
for line in job["asserts"]:
    exec(compile(line, "<assert>", "exec"), space)
print(job["token"], end="")
"""


def _is_harmless(source: str) -> bool:
    """Whether the source is only function definitions without imports, unusual attributes or global statements."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if not tree.body or not all(isinstance(node, ast.FunctionDef) for node in tree.body):
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.AsyncFunctionDef | ast.Await):
            return False
        if isinstance(node, ast.Attribute) and node.attr not in ALLOWED_ATTRIBUTES:
            return False
        if isinstance(node, ast.Name) and node.id.startswith("__"):
            return False
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            return False
    return True


def passes(source: str, asserts: tuple[str, ...]) -> bool:
    """Whether `source` defines functions that make every line of `asserts` hold.

    The child must end with status 0 and print one fresh random token and nothing else: leaving early with status 0
    or printing anything makes the answer wrong.
    """
    if not _is_harmless(source):
        return False
    token = secrets.token_hex(16)
    limits = {
        "RLIMIT_CPU": CPU_SECONDS,
        "RLIMIT_AS": MEMORY_BYTES,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": 16,
        "RLIMIT_CORE": 0,
    }
    job = {"source": source, "asserts": list(asserts), "token": token, "builtins": ALLOWED_BUILTINS, "limits": limits}
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _RUNNER],
                input=json.dumps(job).encode(),
                capture_output=True,
                cwd=folder,
                env={},
                timeout=WALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and done.stdout == token.encode()
