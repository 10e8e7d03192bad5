"""The chance in a run: one generator, on the CPU, so that a seed means the same on every device."""

from collections.abc import Sequence

import torch


class Chance:
    """Draws that depend on the seed and on what was drawn before, and on nothing else."""

    def __init__(self, seed: int = 0):
        self._generator = torch.Generator("cpu").manual_seed(seed)

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Numbers in [0, 1), on the CPU."""
        return torch.rand(*shape, dtype=dtype, generator=self._generator, device=self._generator.device)

    def tokens(self, probs: torch.Tensor) -> Sequence[int]:
        """One token per row of probs [n, V]; rows need not be normalised."""
        return torch.multinomial(probs.to(self._generator.device), 1, generator=self._generator)[:, 0].tolist()

    def several(self, weights: torch.Tensor, k: int) -> list[int]:
        """k different indices of weights [n], drawn one after the other in proportion to the weights that are left."""
        return torch.multinomial(weights.to(self._generator.device), k, generator=self._generator).tolist()
