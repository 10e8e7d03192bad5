"""Writes the recordings of ../shared/oracles in the form that the tests read: `python tests/data/oracles/pack.py`.

All recorded cases, without the single forward passes (their number is kept), the units that a test uses, and the
recorded logits as they are. No code of a reference decoder is in any of them."""

import gzip
import json
import shutil
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[3] / "shared" / "oracles" / "data"
UNITS = {
    "acceptance_estimator",
    "dllm_num_transfer_tokens",
    "dream_num_transfer_tokens(entropy/maskgit/margin)",
    "dream_sample_tokens",
    "fastdllm_factor",
    "fastdllm_threshold",
    "hysteresis_sequence",
    "llada_gumbel",
    "llada_num_transfer_tokens",
    "sdar_probs_from_logits",
    "two_l_mask",
    "ucb_sequence",
}


def main() -> None:
    groups = {}
    for path in sorted(SOURCE.glob("gen_*.json")):
        cases = json.loads(path.read_text())["cases"]
        for case in cases.values():
            case["calls"] = len(case.pop("forwards"))
            numbers = ("nfe", "total_forward_steps")
            case["stats"] = {key: case["stats"][key] for key in numbers if key in (case["stats"] or {})}
        groups[path.stem.removeprefix("gen_")] = cases
    text = json.dumps(groups, separators=(",", ":"), sort_keys=True)
    (HERE / "cases.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    units = torch.load(SOURCE / "units.pt", weights_only=True)
    torch.save([unit for unit in units if unit["fn"] in UNITS], HERE / "units.pt")
    for path in SOURCE.glob("forward_*.pt"):
        shutil.copyfile(path, HERE / path.name)


if __name__ == "__main__":
    main()
