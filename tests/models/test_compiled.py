"""Compiled calls say what ordinary calls say: padding to a known shape changes no logit, cache, event or text.

Here calls are padded and nothing is compiled (kind "padded"), which is what every kind does first; one test has
torch.compile trace the call, and a graph that reads and writes the same memory each time stands in for CUDA's."""

import json
from types import SimpleNamespace

import pytest
import torch
from checkpoints import WEIGHTS, write
from toys import EOS, KINDS, MASK, VOCAB, prompt, tinies, tiny

from app.__main__ import main
from decoders import masks
from decoders.errors import Incompatible, ModelUnavailable
from decoders.models import catalogue, hf, static
from decoders.models.base import Cache, ModelSpec
from decoders.models.catalogue import Placement
from decoders.models.hf import HFModel
from decoders.models.static import Shape, Static, padded, size
from decoders.run import run

CPU = torch.device("cpu")


def fresh(kind: str, layout: str = "auto", how: str = "padded") -> HFModel:
    """A model with no shapes yet."""
    model = tiny(kind)
    return HFModel(model.net, None, model.spec, model.proxy, layout, None, how)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    # Sums of another order; 4e-6 was measured here.
    torch.testing.assert_close(a, b, atol=3e-5, rtol=0)


def alike(ours, theirs) -> None:
    """Two answers of `many`: the same logits and the same events."""
    (left, call), (right, expected) = ours, theirs
    assert call == expected
    for a, b in zip(left, right, strict=True):
        close(a.rows, b.rows)
        assert (a.start, a.shift) == (b.start, b.shift)


# ------------------------------------------------------------ shapes
def test_there_are_four_sizes_to_each_doubling():
    sizes = sorted({size(n) for n in range(1, 130)})
    assert sizes == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160]
    assert sorted({size(n, 2) for n in range(1, 130)}) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192]
    assert all(n <= size(n) < 1.25 * n + 1 for n in range(1, 5000))
    assert Shape.of(9, 33, 70, True) == (10, 40, 96, True)
    assert Shape.of(1, 1, 0, False) == (1, 1, 0, False)


def test_padding_is_seen_by_nobody_and_sees_itself():
    see = torch.tensor([[1, 1, 1, 0], [1, 0, 1, 1]]).bool()  # two cached keys, two fed
    ids, where, wide = padded(torch.tensor([[7, 8]]), torch.tensor([[2, 3]]), see, Shape(2, 4, 3, True))
    assert ids.tolist() == [[7, 8, 0, 0], [0, 0, 0, 0]]
    assert where.tolist() == [[2, 3, 0, 0], [0, 0, 0, 0]]
    assert wide.int().tolist() == [
        [1, 1, 0, 1, 0, 0, 0],
        [1, 0, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
    ]


# ------------------------------------------------------------ single calls
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("n, length, cached", [(1, 1, 0), (1, 19, 0), (9, 9, 0), (3, 13, 7), (9, 5, 9), (1, 1, 11)])
@pytest.mark.parametrize("layout", ["batch", "packed"])
def test_a_padded_call_has_the_logits_and_the_event_of_the_call(kind, n, length, cached, layout):
    rows = [prompt(length, i) for i in range(n)]
    said = []
    for model in (fresh(kind, layout), HFModel(tiny(kind).net, None, tiny(kind).spec, layout=layout)):
        cache = Cache()
        if cached:
            model.forward(prompt(cached, 9), role="prefill", cache=cache, keep=cached)
        said.append(model.many(rows, role="verify", cache=cache if cached else None))
        assert len(cache) == cached
    alike(*said)
    assert (said[0][1].batch, said[0][1].length, said[0][1].cached) == (n, length, cached)


@pytest.mark.parametrize("kind, layout, n, length, more", [
    ("llama-full", "batch", 1, 19, 1),
    ("llama-full", "batch", 9, 9, 10 * 10 - 81),
    ("llama-full", "packed", 9, 9, 96 - 81),
    ("qwen3-block", "batch", 4, 8, 0),
])  # fmt: skip
def test_an_event_says_the_real_size_and_what_padding_added(kind, layout, n, length, more):
    _, call = fresh(kind, layout).many([prompt(length, i) for i in range(n)], role="verify")
    assert (call.cost, call.padded) == (n * length, more)
    assert tiny(kind).many([prompt(length, i) for i in range(n)], role="verify")[1].padded == 0


@pytest.mark.parametrize("kind", ["qwen3-block", "llama-causal", "qwen2-next-block"])
def test_a_cache_holds_what_it_would_and_what_an_earlier_longer_one_left_is_not_seen(kind):
    ours, theirs = fresh(kind), tiny(kind)
    for length in (31, 30, 25):  # the same place for all three: 32 keys
        caches = Cache(), Cache()
        for model, cache in zip((ours, theirs), caches, strict=True):
            model.forward(prompt(length, length), role="prefill", cache=cache, keep=length)
        for start, keep in ((length, 3), (length + 3, 0), (length + 3, 5)):
            said = [
                model.many([prompt(6, start), prompt(6, start)], role="x", cache=cache, keep=keep)
                for model, cache in zip((ours, theirs), caches, strict=True)
            ]
            alike(*said)
        assert len(caches[0]) == length + 8
        for a, b in zip(caches[0].layers, caches[1].layers, strict=True):
            close(a[0], b[0])
            close(a[1], b[1])
        close(caches[0].last, caches[1].last)
        for cache in caches:
            cache.crop(length - 4)
        alike(*(m.many([prompt(6)], role="x", cache=c) for m, c in zip((ours, theirs), caches, strict=True)))


def test_an_own_mask_and_own_positions_reach_the_network():
    see = masks.one_mask_each(8, 5, CPU)
    pos = [*range(8, 13), *range(8, 13)]
    said = []
    for model in (fresh("qwen3-block"), tiny("qwen3-block")):
        cache = Cache()
        model.forward(prompt(8), role="prefill", cache=cache, keep=8)
        said.append(model.many([prompt(5) + [MASK] * 5], role="verify", pos=pos, see=see, cache=cache))
    alike(*said)
    assert said[0][1].sees == said[1][1].sees and len(said[0][1].sees) == 10


def test_a_shape_is_made_once_and_the_one_not_used_for_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(static, "MOST", 2)
    model = fresh("llama-full")
    made = []
    for length in (17, 18, 20, 21, 17, 40, 24, 17):
        model.forward(prompt(length), role="x")
        made.append(model.static.made)
    # 17 to 20 are one shape, 21 to 24 the next; 40 pushes out the latter, which is made again.
    assert made == [1, 1, 1, 2, 2, 3, 4, 5]


def test_the_clock_does_not_hold_what_is_done_once_for_a_shape(monkeypatch):
    model, now, net = fresh("llama-full"), [0.0], tiny("llama-full").net
    forward = net.forward

    def slow(*args, **named):
        now[0] += 3.0
        return forward(*args, **named)

    monkeypatch.setattr(hf, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(net, "forward", slow)
    assert [model.forward(prompt(9), role="x")[1].seconds for _ in range(2)] == [3.0, 3.0]
    assert now == [9.0], "the first call of a shape prepares it"


# ------------------------------------------------------------ a graph
def graph(run, device, pool):
    """A stand-in for a recorded CUDA graph: it writes to the same memory each time it is replayed."""
    logits, kept = run()

    def again():
        now, keys = run()
        logits.copy_(now)
        for old, new in zip(kept, keys, strict=True):
            for to, what in zip(old, new, strict=True):
                to.copy_(what)
        return logits, kept

    return again


@pytest.fixture
def recorded(monkeypatch):
    """A model whose shapes are recorded with that stand-in."""
    monkeypatch.setattr(static, "record", graph)

    def make(kind: str) -> HFModel:
        model = fresh(kind)
        model.static.pool = "a pool"
        return model

    return make


def test_what_a_replayed_graph_said_is_not_changed_by_its_next_replay(recorded):
    ours, theirs = recorded("qwen3-block"), tiny("qwen3-block")
    caches = Cache(), Cache()
    said = []
    for model, cache in zip((ours, theirs), caches, strict=True):
        first = model.many([prompt(8, 1)], role="x", cache=cache, keep=8)
        said.append((first, model.many([prompt(8, 2)], role="x", cache=cache, keep=8)))
        model.many([prompt(8, 3)], role="x", cache=Cache(), keep=8)
    for pair in zip(*said, strict=True):
        alike(*pair)
    for a, b in zip(caches[0].layers, caches[1].layers, strict=True):
        close(a[0], b[0])


def test_keys_that_a_call_gave_back_are_its_own(recorded):
    calls = recorded("qwen3-block").static
    where, see, shape = torch.arange(8)[None], masks.full(0, 8, CPU), Shape.of(1, 8, 0, True)
    with torch.inference_mode():
        _, kept = calls(torch.tensor([prompt(8, 1)]), where, see, [], 5, shape)
        keys = kept[0][0].clone()
        _, later = calls(torch.tensor([prompt(8, 2)]), where, see, [], 8, shape)
    assert torch.equal(kept[0][0], keys) and keys.shape == (1, 2, 5, 8) and later[0][0].shape == (1, 2, 8, 8)
    assert not torch.equal(later[0][0][:, :, :5], keys)


@pytest.mark.parametrize("name, kind", [("ssd", "qwen3-block"), ("s2d2", "qwen3-block"), ("psd", "llama-full")])
def test_methods_run_on_recorded_graphs(recorded, name, kind):
    same_text(name, tiny(kind), recorded(kind))


# ------------------------------------------------------------ whole runs
def same_text(name, models, compiled, **knobs) -> None:
    """Both runs make the same calls and write the same tokens for the same reasons."""
    knobs = {"max_new": 13, "block": 8, **knobs}
    left, right = (run(name, cast, prompt(11), level="timing", **knobs) for cast in (models, compiled))
    assert right.hardware == left.hardware + ", compiled calls (padded)"
    assert left.tokens == right.tokens
    assert left.forwards == right.forwards
    assert [type(event) for event in left.events] == [type(event) for event in right.events]


@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block", "qwen2-next-full"])
def test_every_method_writes_the_same_text_with_compiled_calls(method, kind):
    models = tinies(method, kind)
    same_text(method.id, models, {role: model.compiled("padded") for role, model in models.items()})


@pytest.mark.parametrize("name, knobs", [
    ("stepwise", {"cache": "dual", "block": 4}),
    ("stepwise", {"cfg": 0.5, "temperature": 0.7}),
    ("ssd", {"cache": "eager", "block": 4}),
    ("ssd", {"tree": "mixed_order"}),
])  # fmt: skip
def test_other_caches_guidance_and_trees_write_the_same_text(name, knobs):
    same_text(name, tiny("qwen2-next-full"), tiny("qwen2-next-full").compiled("padded"), **knobs)


def test_padding_is_made_where_the_model_is(method):
    nets = tinies(method, "qwen3-block")
    torch.set_default_device("meta")
    try:
        compiled = {role: fresh(model.spec.id.removeprefix("tiny-").removesuffix("-blurred"))
                    for role, model in nets.items()}  # fmt: skip
        trace = run(method, compiled, prompt(11), max_new=9, block=5, early_stop=False)
    finally:
        torch.set_default_device(None)
    assert trace.finish == "length" and trace.calls > 0


# ------------------------------------------------------------ by name
@pytest.mark.parametrize("family", WEIGHTS)
def test_every_family_is_compiled_by_name_and_shares_its_weights(tmp_path, family):
    folder = str(write(tmp_path / family, family))
    try:
        plain, model = catalogue.load(folder), catalogue.load(folder, Placement(compiled="padded"))
        assert isinstance(plain, HFModel) and isinstance(model, HFModel)
        assert model.net is plain.net and plain.static is None and model.static is not None
        assert catalogue.load(folder, Placement(compiled="padded")) is model
        # A loop over experts waits for numbers of the device, which a CUDA graph cannot.
        experts = getattr(plain.net.config, "_experts_implementation", None)
        assert (experts == "grouped_mm") == (family in ("llada2", "llada-moe", "sdar-moe"))
        said = []
        for m in (model, plain):
            cache = Cache() if m.spec.attention == "block" else None
            if cache is not None:
                m.forward([5, 6, 7, 8, 9, 10, 11, 12, 13], role="prefill", cache=cache, keep=9)
            said.append(m.many([[20, 21, 22, 95, 95, 95, 95, 95, 95], [23] * 9], role="x", cache=cache))
        alike(*said)
    finally:
        catalogue._loaded.clear()


def test_the_command_line_compiles_on_request_and_says_so(capsys, tmp_path):
    folder = str(write(tmp_path / "mine", "a2d-qwen3"))
    ask = ["run", "ssd", "--model", folder, "--no-probe", "--prompt", "hi you", "--max-new", "8", "--json"]
    texts = []
    for compile, said in (([], ""), (["--compile", "padded"], ", compiled calls (padded)")):
        assert main([*ask, *compile]) == 0
        out = json.loads(capsys.readouterr().out)
        assert out["hardware"].endswith(" threads" + said)
        texts.append(out["ids"])
    assert texts[0] == texts[1]
    assert main([*ask, "--compile", "fast"]) == 2
    assert "invalid choice: 'fast'" in capsys.readouterr().err
    assert main([*ask, "--compile", "graphs"]) == 2
    assert capsys.readouterr().err.endswith("needs a CUDA device, the model is on cpu; use inductor.\n")
    catalogue._loaded.clear()


# ------------------------------------------------------------ what compiles it
@pytest.mark.parametrize("kind", ["llama-full", "qwen3-block"])
def test_a_call_is_traced_in_one_piece(monkeypatch, kind):
    # Nothing in it waits for a number: what torch.compile can trace whole, a CUDA graph can record.
    compile = torch.compile
    asked = []

    def whole(run, *, dynamic, backend, options):
        asked.append((dynamic, backend, options))
        return compile(run, dynamic=dynamic, backend="eager", fullgraph=True)

    monkeypatch.setattr(torch, "compile", whole)
    plain = tiny(kind, layers=1)
    model = HFModel(plain.net, None, plain.spec, compiled="inductor")
    assert asked == [(False, "inductor", {"emulate_precision_casts": True})]
    said = []
    with torch._dynamo.config.patch(recompile_limit=1):  # torch would give up at the second shape
        for m in (model, plain):
            cache = Cache()
            first = m.many([prompt(9)], role="prefill", cache=cache, keep=9)
            said.append((first, m.many([prompt(3, i) for i in range(2)], role="x", cache=cache)))
    for pair in zip(*said, strict=True):
        alike(*pair)
    assert model.static.made == 2 and said[0][0][1].padded == 1


def test_a_shape_that_cannot_be_compiled_is_said_in_a_sentence(monkeypatch):
    def none(*_):
        raise RuntimeError("no compiler\nand a page about it")

    model = fresh("llama-full")
    monkeypatch.setattr(model.static, "_call", none)
    with pytest.raises(ModelUnavailable, match=r"^A call of .* cannot be compiled \(no compiler\): run without it\.$"):
        model.forward(prompt(9), role="x")


def test_kinds_that_are_not_to_be_had_are_refused():
    model = tiny("llama-full")
    with pytest.raises(Incompatible, match=r"^compile = 'fast': must be one of auto, graphs, inductor, padded\.$"):
        model.compiled("fast")
    with pytest.raises(Incompatible, match=r"^compile = 'graphs': needs a CUDA device, the model is on cpu; use induc"):
        model.compiled("graphs")
    assert [Static.named("auto", torch.device(name)) for name in ("cpu", "cuda:1", "mps")] == [
        "inductor",
        "graphs",
        "inductor",
    ]
    spread = SimpleNamespace(hf_device_map={"a": 0, "b": "cpu"}, device=CPU)
    with pytest.raises(Incompatible, match=r"^A model spread over 0, cpu cannot be compiled: use one device\.$"):
        Static(spread, "cache", "auto")  # type: ignore[arg-type]


def test_the_weights_are_there_once_and_so_is_what_was_compiled():
    model = tiny("llama-full")
    assert model.compiled("padded") is model.compiled("padded")
    assert model.compiled("padded").net is model.net and model.static is None
    other = HFModel(model.net, None, ModelSpec("x", VOCAB, MASK, EOS), model.proxy, "packed", {"a": 1})
    compiled = other.compiled("padded")
    assert (compiled.spec, compiled.proxy, compiled.layout, compiled.template) == (
        other.spec,
        other.proxy,
        "packed",
        {"a": 1},
    )


# ------------------------------------------------------------ the clock of a GPU
def test_a_gpu_notes_the_moments_itself_and_is_waited_for(monkeypatch):
    done = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing
            self.name = f"event {sum('record' in what for what in done)}"

        def record(self, stream):
            done.append(f"{self.name} record on {stream}")

        def synchronize(self):
            done.append(f"{self.name} wait")

        def elapsed_time(self, later):
            done.append(f"{self.name} to {later.name}")
            return 250.0  # milliseconds

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"the stream of {device}")
    model = SimpleNamespace(device=torch.device("cuda:1"), _now=lambda: HFModel._now(model))
    began = HFModel._now(model)
    assert HFModel._since(model, began) == 0.25
    stream = "record on the stream of cuda:1"
    assert done == [f"event 0 {stream}", f"event 1 {stream}", "event 1 wait", "event 0 to event 1"]
