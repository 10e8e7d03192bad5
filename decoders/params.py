"""Knobs, declared once: the sliders, the command line flags, the API arguments, the docs table and the checks come
from here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, get_type_hints

from decoders.errors import BadParam, UnknownName


@dataclass(frozen=True)
class Knob:
    """One setting of a method: `kind` is int, float, bool or str; `symbol` is the paper's letter for it; the page folds
    `rare` ones away. Another value than the default asks for a model with one of the `attention` kinds, if any are
    named. At a value that is one of the `loose` ones a run is approximate, whatever its method promises."""

    name: str
    kind: type
    default: Any
    help: str
    lo: float | None = None
    hi: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    symbol: str = ""
    rare: bool = False
    attention: tuple[str, ...] = ()
    loose: tuple[Any, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.symbol} · {self.name}" if self.symbol else self.name

    @property
    def range(self) -> str:
        if self.kind is bool:
            return "yes or no"
        return " | ".join(self.choices) if self.choices else f"{self.lo:g} to {self.hi:g}"

    def read(self, value: Any) -> Any:
        """The value as this knob's type, from a string, a JSON value or a slider's float; raises `BadParam`."""
        given = repr(value) if isinstance(value, str) else str(value)
        if self.kind is bool:
            words = {
                "true": True,
                "yes": True,
                "on": True,
                "1": True,
                "false": False,
                "no": False,
                "off": False,
                "0": False,
            }
            if isinstance(value, bool):
                return value
            if str(value).lower() not in words:
                raise BadParam(f"{self.name} = {given}: must be yes or no.")
            return words[str(value).lower()]
        if self.choices:
            if value not in self.choices:
                raise BadParam(f"{self.name} = {given}: must be one of {', '.join(self.choices)}.")
            return value
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number):
            raise BadParam(f"{self.name} = {given}: must be a number from {self.range}.")
        if self.kind is int and number != int(number):
            raise BadParam(f"{self.name} = {given}: must be a whole number from {self.range}.")
        if not self.lo <= number <= self.hi:  # type: ignore[operator]
            raise BadParam(f"{self.name} = {given}: must be between {self.lo:g} and {self.hi:g}.")
        return self.kind(number)


def knob(
    default: Any,
    help: str,
    *,
    lo: float | None = None,
    hi: float | None = None,
    step: float | None = None,
    choices: tuple[str, ...] = (),
    symbol: str = "",
    rare: bool = False,
    attention: tuple[str, ...] = (),
    loose: tuple[Any, ...] = (),
) -> Any:
    """A dataclass field that carries its range, choices, paper symbol and one line of help."""
    meta = {"help": help, "lo": lo, "hi": hi, "step": step, "choices": choices, "symbol": symbol, "rare": rare}
    return dataclasses.field(default=default, metadata={**meta, "attention": attention, "loose": loose})


def cache_knob() -> Any:
    """The approximate caches of Fast-dLLM (arXiv:2505.22618), for models that see the whole canvas; see `Context`."""
    return knob(
        "none",
        "prefix, dual: approximate; keys from the first call in a block, for all before it or around it",
        choices=("none", "prefix", "dual"),
        attention=("full",),
        loose=("prefix", "dual"),
    )


def fold_knob() -> Any:
    """How block-causal models encode a finished block; exact either way, see `Context`."""
    return knob(
        False, "a finished block is encoded by the next call, not by one of its own", attention=("block",), rare=True
    )


@dataclass(frozen=True)
class Params:
    """The settings every method has. Subclasses add the paper's own."""

    max_new: int = knob(64, "positions to generate", lo=1, hi=512, step=1, symbol="G")
    block: int = knob(32, "positions per semi-autoregressive block", lo=1, hi=512, step=1, symbol="B")
    early_stop: bool = knob(True, "stop after the block in which the text ends")

    @classmethod
    @cache  # asked several times in every run
    def knobs(cls) -> tuple[Knob, ...]:
        """The method's own knobs first, then those that every method has."""
        kinds, shared = get_type_hints(cls), {f.name for f in dataclasses.fields(Params)}
        order = sorted(dataclasses.fields(cls), key=lambda f: f.name in shared)
        return tuple(Knob(name=f.name, kind=kinds[f.name], default=f.default, **f.metadata) for f in order)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Checks and converts; names that are not knobs of this method raise `UnknownName`."""
        knobs = {knob.name: knob for knob in cls.knobs()}
        for name in given:
            if name not in knobs:
                raise UnknownName("knob", name, knobs)
        return cls(**{name: knobs[name].read(value) for name, value in given.items()})

    def misfits(self, attention: str) -> dict[str, Any]:
        """The knobs that are set to something which a model of that attention has not, with their defaults."""
        return {
            k.name: k.default
            for k in self.knobs()
            if k.attention and attention not in k.attention and getattr(self, k.name) != k.default
        }

    @property
    def loose(self) -> dict[str, Any]:
        """The knobs at which this run is approximate, with their defaults."""
        return {k.name: k.default for k in self.knobs() if getattr(self, k.name) in k.loose}

    def shared(self, other: type[Params]) -> dict[str, Any]:
        """This run's values of the knobs that `other` has too: what a reference run must have in common."""
        names = {f.name for f in dataclasses.fields(other)}
        return {name: value for name, value in dataclasses.asdict(self).items() if name in names}
