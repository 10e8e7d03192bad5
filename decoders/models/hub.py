"""Where the files of a named checkpoint are: in this machine's hub cache, or still on the hub.

Only what is read is fetched (`checkpoint.FILES`: no code, no pickles), and weights apart from the small files that say
how much memory they take. HF_HUB_OFFLINE, HF_HOME, HF_TOKEN and
HF_ENDPOINT are huggingface_hub's own and are honoured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import httpx
import huggingface_hub
from huggingface_hub import errors

from decoders.errors import ModelUnavailable
from decoders.models.checkpoint import FILES, absent

# owner/name, perhaps with a branch or commit behind an @.
NAME = re.compile(r"^(?P<repo>[A-Za-z0-9][\w.-]*/[\w.-]+)(@(?P<revision>[\w./-]+))?$")


def cached(repo: str, revision: str) -> Path | None:
    """The folder of a repository's files if all of them were fetched before."""
    try:
        path = Path(_snapshot(repo, revision, FILES, local=True))
    except (errors.LocalEntryNotFoundError, errors.HFValidationError):
        return None
    return None if absent(path) else path  # a folder without weights is what `fetch(..., FACTS)` leaves


def fetch(repo: str, revision: str, files: Sequence[str] = FILES) -> Path:
    """Fetches what is not here yet, with huggingface_hub's progress bars, and returns the folder. `files` are patterns:
    `checkpoint.FACTS` leaves the weights where they are."""
    huggingface_hub.logging.set_verbosity_error()  # its retries are told once, by the sentence below
    try:
        path = Path(_snapshot(repo, revision, files, local=False))
    except errors.GatedRepoError as error:
        raise ModelUnavailable(
            f"{repo} is gated: accept its terms on its page, then set HF_TOKEN or run `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelUnavailable(
            f"{repo} has no revision {revision!r}: name a branch or a commit behind an @."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelUnavailable(f"There is no public repository {repo}: check its name, or set HF_TOKEN.") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        raise ModelUnavailable(
            f"{repo} is not on this machine and the hub cannot be reached: connect (and unset HF_HUB_OFFLINE), or give "
            "a local folder."
        ) from error
    except (errors.HfHubHTTPError, httpx.HTTPError, OSError) as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise ModelUnavailable(f"{repo} could not be fetched ({reason}): try again; what came is kept.") from error
    # Without a connection huggingface_hub returns what there is, without a word.
    if not (path / "config.json").is_file():
        raise ModelUnavailable(f"{repo} has no config.json: name a repository that holds a whole checkpoint.")
    if files == FILES and (lacks := absent(path)):
        raise ModelUnavailable(
            f"{repo}: {', '.join(lacks)} did not come: connect (and unset HF_HUB_OFFLINE), or convert its weights, if "
            "it has them in another format only."
        )
    return path


def _snapshot(repo: str, revision: str, files: Sequence[str], local: bool) -> str:
    return huggingface_hub.snapshot_download(
        repo, revision=revision, allow_patterns=list(files), local_files_only=local
    )
