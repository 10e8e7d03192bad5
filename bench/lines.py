"""Which lines `python -m bench methods` has: every method under every bundled model, at which settings."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from decoders import registry
from decoders.methods.base import Method
from decoders.models import catalogue
from decoders.models.catalogue import Entry


@dataclass(frozen=True)
class Setting:
    """One line of a method. `models` fixes a role's model; `every` names a role that each model that fits takes in
    turn. Roles that neither names get what `catalogue.default_models` says."""

    name: str
    knobs: dict[str, Any] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    every: str = ""


# A registered method that is not named here has one line, at its defaults.
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "stepwise": (Setting("stepwise"), Setting("stepwise fold", {"fold": True})),
    "fixed-k": tuple(Setting(f"fixed-k k={k}", {"k": k}) for k in (2, 4)),
    "threshold": (
        Setting("threshold 0.9", {"threshold": 0.9}),
        Setting("threshold 0.6", {"threshold": 0.6}),
        Setting("threshold 0.9 dual", {"threshold": 0.9, "cache": "dual"}),
    ),
    "ssd": (
        *(Setting(f"ssd N={n}", {"n": n}) for n in (2, 4, 8)),
        Setting("ssd N=4 top-2", {"n": 4, "tree": "topk"}),
        Setting("ssd N=4 mixed", {"n": 4, "tree": "mixed_order"}),
        Setting("ssd N=2 fold", {"n": 2, "fold": True}),
        Setting("ssd N=4 fold", {"n": 4, "fold": True}),
        Setting("ssd N=8 mixed 32", {"n": 8, "tree": "mixed_order", "width": 3, "budget": 32}),
        Setting("ssd N=8 mixed 32 fold", {"n": 8, "tree": "mixed_order", "width": 3, "budget": 32, "fold": True}),
    ),
    "freedave": (
        Setting("freedave d=4", {"draft_steps": 4}),
        Setting("freedave d=8 eager", {"draft_steps": 8, "eager": True}),
        Setting("freedave d=4 dynamic", {"draft_steps": 4, "sampling": "dynamic"}),
    ),
    "psd": (
        Setting("psd d=3", {"depth": 3}),
        Setting("psd d=7", {"depth": 7}),
        Setting("psd d=3 0.97", {"depth": 3, "threshold": 0.97}),
        Setting("psd d=7 0.97", {"depth": 7, "threshold": 0.97}),
        Setting("psd d=3 exact", {"depth": 3, "acceptance": "exact"}),
    ),
    "wino": (
        Setting("wino"),
        Setting("wino only draft", {"narrow": 0.0}),
    ),
    "block": (
        Setting("block one by one", {"block": 1, "strategy": "sequential"}),
        Setting("block one by one fold", {"block": 1, "strategy": "sequential", "fold": True}),
        Setting("block dynamic", {"strategy": "dynamic"}),
        *(Setting(f"block dynamic {t} fold", {"threshold": t, "fold": True}) for t in (0.6, 0.7, 0.85, 0.95)),
    ),
    "s2d2": (
        Setting("s2d2"),
        Setting("s2d2 greedy", {"accept": "greedy"}),
        Setting("s2d2 fold ahead", {"fold": True, "ahead": True}),
        Setting("s2d2 greedy fold ahead", {"accept": "greedy", "fold": True, "ahead": True}),
        Setting("s2d2 B=16 fold ahead", {"block": 16, "fold": True, "ahead": True}),
    ),
    "simsd": (
        Setting("simsd", models={"target": "tiny-sdar", "draft": "nano-sdar"}),
        *(
            Setting(
                f"simsd {name}",
                {"drafting": "dynamic", "fold": True, **more},
                {"target": "tiny-sdar", "draft": "nano-sdar"},
            )
            for name, more in (("dynamic", {}), ("dynamic rest too", {"tail": "target_argmax"}))
        ),
    ),
    "speculative": (Setting("speculative", models={"target": "tiny-ar", "draft": "nano-sdar"}),),
    "diffuspec": (Setting("diffuspec", every="draft"),),
}


@dataclass(frozen=True)
class Plan:
    """A line of the table: `model` is the first role's, under which the line stands."""

    model: str
    name: str
    method: Method
    models: dict[str, str]
    knobs: dict[str, Any]


def casts(method: Method, setting: Setting, entry: Entry, here: Sequence[Entry]) -> list[dict[str, str]]:
    """The models for each role out of those that are `here`, with `entry` in the first one, which has to take the
    setting. A method of two models stands under one model alone: the one that the setting names, or else the
    catalogue's choice."""
    first, *others = method.roles
    if entry.kind not in method.roles[first] or method.params.read(setting.knobs).misfits(entry.kind):
        return []
    if not others:
        return [{first: entry.id}]
    models = {**catalogue.default_models(method), **setting.models}
    if models[first] != entry.id:
        return []
    if setting.every:
        return [{**models, setting.every: e.id} for e in here if e.kind in method.roles[setting.every]]
    return [models] if set(models.values()) <= {e.id for e in here} else []


def plans(methods: Sequence[Method], here: Sequence[Entry]) -> list[Plan]:
    """The lines, model by model; the reference decoders of a model stand first, and the very first is the reference."""
    out = []
    for entry in here:
        for method in sorted(methods, key=lambda m: m.guarantee != "reference"):
            for setting in SETTINGS.get(method.id, (Setting(method.id),)):
                for models in casts(method, setting, entry, here):
                    others = list(models.values())[1:]
                    name = " with ".join([setting.name, *others])
                    out.append(Plan(entry.id, name, method, models, setting.knobs))
    return out


def asked_for(lines: Sequence[Plan], methods: Sequence[str], models: Sequence[str]) -> list[Plan]:
    """The lines of these methods under these models (of all where none is named), and the first line of each model.
    Raises `UnknownName` for an id that is none."""
    for name in methods:
        registry.method(name)
    for name in models:
        catalogue.entry(name)
    wanted = [plan for plan in lines if not models or plan.model in models]
    firsts = [next(group) for _, group in itertools.groupby(wanted, key=lambda plan: plan.model)]
    return [plan for plan in wanted if not methods or plan.method.id in methods or plan in firsts]
