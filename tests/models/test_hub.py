"""Checkpoints on a hub, a small one of our own spoken to over HTTP: what a model is comes before its weights."""

import hashlib
import http.server
import json
import threading
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
import torch
from checkpoints import write
from safetensors.torch import load_file, save_file

from decoders.errors import ModelUnavailable
from decoders.models import catalogue, checkpoint, hub, memory
from decoders.models.catalogue import Placement
from decoders.run import run

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def digest(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of huggingface.co as `snapshot_download` asks for: the list of a repository's files, and each file."""

    def __init__(self, *args, repos: dict[str, Path], asked: list[str]):
        self.repos, self.asked = repos, asked
        super().__init__(*args)

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.split("?")[0].strip("/")
        if path.startswith("api/models/"):
            repo = "/".join(path.split("/")[2:4])
            if repo == "me/gated":
                return self.reply(403, b"", {"X-Error-Code": "GatedRepo"})
            if repo not in self.repos:
                return self.reply(404, b"", {"X-Error-Code": "RepoNotFound"})
            files = [{"rfilename": file.name} for file in sorted(self.repos[repo].iterdir())]
            if "/tree/" in path:
                tree = [
                    {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": digest(file)}
                    for file in sorted(self.repos[repo].iterdir())
                ]
                return self.reply(200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
            about = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": files, "tags": [], "private": False}
            return self.reply(200, json.dumps(about).encode(), {"Content-Type": "application/json"})
        owner, name, _, commit, file = path.split("/", 4)
        found = self.repos[f"{owner}/{name}"] / file
        body = found.read_bytes()
        if self.command == "GET":
            self.asked.append(file)
        tag = {"ETag": f'"{digest(found)}"', "X-Repo-Commit": commit}
        return self.reply(200, body, tag)

    def reply(self, code, body, headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """(repository -> folder, names of the files that were fetched); the cache is empty."""
    repos, asked = {}, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Hub, repos=repos, asked=asked))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    at = f"http://127.0.0.1:{server.server_address[1]}"
    real = huggingface_hub.snapshot_download
    monkeypatch.setattr(
        hub.huggingface_hub, "snapshot_download", partial(real, endpoint=at, cache_dir=tmp_path / "cache")
    )
    yield repos, asked
    huggingface_hub.close_session()
    server.shutdown()
    server.server_close()
    thread.join()
    catalogue._loaded.clear()


def published(tmp_path, repos, repo="me/mine", family="sdar") -> Path:
    repos[repo] = write(tmp_path / repo.replace("/", "-"), family)
    return repos[repo]


def test_a_models_needs_are_told_from_its_config_and_its_weights_stay_where_they_are(served, tmp_path, monkeypatch):
    repos, asked = served
    published(tmp_path, repos)
    monkeypatch.setattr(memory, "free", lambda device: 100_000)
    with pytest.raises(
        ModelUnavailable, match=r"^me/mine needs about 10 MB \(1 MB of them weights\) and 1 MB are free "
    ):
        catalogue.load("me/mine", Placement("cpu"))
    assert sorted(asked) == ["config.json", "tokenizer.json", "tokenizer_config.json"]
    assert catalogue.spec("me/mine").block == 4 and catalogue.source("me/mine").path is None
    assert catalogue.missing("me/mine").startswith("me/mine is not on this machine: fetch it with ")
    monkeypatch.undo()


def test_weights_follow_once_they_fit_and_code_never_does(served, tmp_path):
    repos, asked = served
    published(tmp_path, repos)
    model = catalogue.load("me/mine")
    assert asked[-1] == "model.safetensors" and asked.count("config.json") == 1
    assert not [name for name in asked if name.endswith(".py")]
    assert catalogue.source("me/mine").path is not None and not catalogue.missing("me/mine")
    assert run("s2d2", model, [3, 17, 5], max_new=4, block=4, early_stop=False).finish == "length"
    before = list(asked)
    assert catalogue.load("me/mine") is model and asked == before


def test_offline_what_was_fetched_is_used_and_the_rest_is_named(served, tmp_path, monkeypatch):
    repos, asked = served
    published(tmp_path, repos)
    catalogue.facts("me/mine")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    assert catalogue.spec("me/mine").mask == 95
    with pytest.raises(
        ModelUnavailable, match="^me/mine is not on this machine and the hub cannot be reached: connect "
    ):
        catalogue.load("me/mine")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    huggingface_hub.close_session()
    catalogue.get("me/mine")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    asked.clear()
    assert catalogue.load("me/mine").spec.id == "me/mine" and asked == []


@pytest.mark.parametrize("repo, said", [
    ("me/gated", "me/gated is gated: accept its terms on its page"),
    ("me/nobody", "There is no public repository me/nobody: check its name"),
])  # fmt: skip
def test_a_repository_that_cannot_be_had_is_one_sentence(served, repo, said):
    with pytest.raises(ModelUnavailable, match=f"^{said}"):
        catalogue.spec(repo)


def test_a_repository_of_pickles_is_refused_without_fetching_one(served, tmp_path):
    repos, asked = served
    folder = published(tmp_path, repos)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="^me/mine: model.safetensors did not come: .* in another format only"):
        catalogue.load("me/mine")
    assert "pytorch_model.bin" not in asked


def test_an_architecture_that_is_not_known_is_refused_before_its_weights_come(served, tmp_path):
    repos, asked = served
    folder = published(tmp_path, repos)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["MambaForCausalLM"]}))
    with pytest.raises(ModelUnavailable, match="^me/mine: the architecture MambaForCausalLM has no native class here"):
        catalogue.load("me/mine")
    assert "model.safetensors" not in asked


def test_two_tokenizers_are_compared_before_weights_come(served, tmp_path):
    repos, asked = served
    published(tmp_path, repos, "me/one")
    published(tmp_path, repos, "me/two", "fast-v2")
    assert catalogue.shared("me/one", "me/two") is None
    assert "model.safetensors" not in asked


# ------------------------------------------------------------ shards
def test_weights_in_shards_with_an_index_are_one_model(served, tmp_path):
    repos, asked = served
    folder = published(tmp_path, repos, family="llada")
    weights = load_file(folder / "model.safetensors")
    whole = checkpoint.load(checkpoint.read(folder), torch.device("cpu"), torch.float32)
    names, where = sorted(weights), {}
    for i, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-0000{i}-of-00002.safetensors"
        save_file({name: weights[name] for name in part}, folder / file, metadata={"format": "pt"})
        where |= dict.fromkeys(part, file)
    (folder / "model.safetensors").unlink()
    index = {"metadata": {"total_size": sum(w.nbytes for w in weights.values())}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    seen, _ = catalogue.load("me/mine").forward([1, 2, 3], role="x")
    assert torch.equal(seen.rows, whole.forward([1, 2, 3], role="x")[0].rows)
    assert sum(name.endswith(".safetensors") for name in asked) == 2
