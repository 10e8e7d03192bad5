"""The page: layout and wiring, no logic."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported: nothing leaves this machine

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import themes
from starlette.middleware import Middleware

from app import early, guest, links, space, stage, words
from app.controls import control
from app.guest import Guest
from app.handlers import Handlers, endpoint, placed, polite
from app.qr import qr
from app.race import settings as settings_of
from decoders.errors import ModelUnavailable
from decoders.methods.base import Method
from decoders.models import catalogue, measured
from decoders.models.catalogue import Placement
from decoders.models.probe import probe
from decoders.models.public import PUBLIC
from decoders.params import Knob
from decoders.registry import METHODS
from decoders.trace import Decide, Trace
from viz.base import View
from viz.registry import views as all_views
from viz.views.lattice import right

TRACES = stage.ASSETS / "traces"
FIRST = "ssd"
SHOWN = "bundled:ssd-apples"
# Two runs at once on one machine would each be charged with the other's time; on ZeroGPU each has a card of its own.
AT_ONCE = 4 if space.ZERO else 1

CSS = """
.gradio-container { max-width: 1680px !important; }
#side { min-width: 280px; }
#player .html-container { padding: 0; }
#side .gallery-item { text-align: left; }
#side input[role="combobox"] { padding-right: 28px; text-overflow: ellipsis; }
#head h1 { margin: 0; font-size: 1.5rem; letter-spacing: -0.01em; }
#head p { margin: 2px 0 0; color: var(--body-text-color-subdued); }
#side .options { border: 1px solid var(--border-color-primary); border-radius: 0; }
#stop, #run { min-width: 90px; }
#about p, #note p, #asks p { font-size: 0.9rem; }
/* Room for the longest description, so that Run stays where it is. */
#about { min-height: 8.5rem; }
#side .options { max-height: 60vh; overflow-y: auto; scrollbar-width: thin; }
/* Gradio writes here how many wait for the model. Its height is kept free, so that nothing moves when it comes. */
#line { height: 18px; margin: -10px 0 -8px; }
#line .html-container { display: none; }
#line > .wrap { overflow: visible; }
#line .progress-text { top: -2px; right: auto; left: 0; padding: 0; font-size: 0.8rem; background: none; }
@media (max-width: 720px) {
  #main { order: 1; }
  #side { order: 2; }
}
"""


# A link and not css_paths: Gradio prefixes the selectors of css_paths and of @media in css, and `body.dark ...` or the
# container itself would match nothing. The font: gradio 6.31 ships a semi-bold IBM Plex Sans without most Latin
# letters, so weight 600 is given the bold file.
HEAD = "".join(f'<link rel="stylesheet" href="/gradio_api/file={path}">\n' for path in stage.STYLES)
HEAD += """<style>@font-face { font-family: "IBM Plex Sans"; font-weight: 600;
  src: url("/static/fonts/IBMPlexSans/IBMPlexSans-Bold.woff2") format("woff2"); }
/* Clip cuts what sticks out and, unlike hidden, lets the inspector stay at the foot of a phone's page. */
@media (max-width: 720px) {
  .gradio-container { overflow: clip !important; }
  .gradio-container > .main { padding: 12px 4px !important; }
  /* A phone begins with the question, then the run; what else can be set comes behind it. */
  #side, #side > .form { display: contents; }
  #side > *, #side > .form > * { order: 2; flex: 1 1 100% !important; }
  #side #method, #side #prompt, #side #go, #side #line, #side #asks { order: 0; }
}</style>"""


def build(
    methods: tuple[Method, ...] = METHODS,
    views: tuple[View, ...] | None = None,
    offered: tuple[str, ...] = (),
    loading: bool = False,
    tables: tuple[Path, ...] = (),
) -> gr.Blocks:
    """The page for these methods and views (all of them by default). `offered` names models beside the bundled ones;
    with `loading` visitors may name others; `tables` are sweeps to look at. Loads no weights."""
    views = all_views() if views is None else views
    usual = Placement()
    extra = tuple(guest.meet(name, usual).guest for name in offered)
    act = Handlers(methods, views, extra, loading, tables)
    recorded = []
    for path in sorted(TRACES.glob("*.json.gz")):
        trace = Trace.load(path)
        name = f"bundled:{path.name.removesuffix('.json.gz')}"
        entry = act.store.add(trace=replace(trace, provenance="replay"), name=name)
        place = next((i for i, m in enumerate(methods) if m.id == trace.method), len(methods))
        recorded.append((trace.method != FIRST, place, _named(trace, methods), entry.id))
    # The one that is shown first, then method by method.
    recorded = [(named, run) for *_, named, run in sorted(recorded, key=lambda r: (r[3] != SHOWN, *r[:2], r[3]))]
    first = recorded[0][1] if recorded else ""
    method = next(m for m in methods if m.id == _default(methods))
    shown = catalogue.entry(next(iter(catalogue.default_models(method).values())))
    gr.set_static_paths([str(path) for path in (*stage.STATIC, *early.STATIC)])

    with gr.Blocks(title=words.TITLE, analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as demo:
        run_id = gr.State(first, time_to_live=3600)
        linked = gr.State(None, time_to_live=3600)  # the settings that the page's address asked for
        guests = gr.State(extra, time_to_live=3600)  # models beside the bundled ones that this visitor's menus offer
        gr.Markdown(f"# {words.TITLE}\n{words.TAGLINE} {words.INTRO}", elem_id="head")
        with gr.Row():
            with gr.Column(scale=1, elem_id="side"):
                shelf = gr.Dropdown(recorded, value=first or None, label=words.RECORDED, elem_id="shelf")
                chosen = gr.Dropdown(
                    _menu(methods),
                    value=_default(methods),
                    label=words.METHOD.format(n=len(methods)),
                    filterable=False,  # typing would append to the chosen name, and a phone would open its keyboard
                    elem_id="method",
                )
                about = gr.Markdown(_about(methods, _default(methods)), elem_id="about")
                prompt = gr.Textbox(
                    label=words.PROMPT,
                    placeholder=words.PROMPT_HINT,
                    lines=3,
                    elem_id="prompt",
                    value=shown.examples[0],
                    max_length=20_000,
                )
                with gr.Row(elem_id="go"):
                    go = gr.Button(words.RUN, variant="primary", elem_id="run")
                    halt = gr.Button(words.STOP, elem_id="stop")
                line = gr.HTML("", elem_id="line")
                asks = gr.Markdown(
                    _asks(method, shown.id, None, True, None, usual.arithmetic), elem_id="asks", visible=space.ZERO
                )
                gr.Examples(
                    [[e] for e in shown.examples],
                    [prompt],
                    label=words.EXAMPLES,
                    api_visibility="private",
                )
                model = gr.Dropdown(label=words.MODEL, elem_id="model", **_choices(method, 0, None, guests=extra))
                draft = gr.Dropdown(
                    label=words.DRAFT, elem_id="draft", **_choices(method, 1, None, shown.id, guests=extra)
                )
                note = gr.Markdown(_note(shown.id), elem_id="note")
                if loading:
                    named = gr.Dropdown(
                        [(f"{p.id} · {p.family.title}", p.id) for p in PUBLIC],
                        value=None,
                        allow_custom_value=True,
                        label=words.OTHER,
                        info=words.OTHER_HINT,
                        elem_id="named",
                    )
                    look = gr.Button(words.LOOK, size="md", elem_id="look")
                    check = gr.Button(words.CHECK, size="md", visible=False, elem_id="check")
                    met = gr.Textbox(label=words.MET, visible=False, lines=4, max_lines=12, elem_id="met")
                panels, knobs = [], []
                with gr.Accordion(words.SETTINGS, open=True, elem_id="settings"):
                    for m in methods:
                        main = next(iter(catalogue.default_models(m).values()))
                        with gr.Column(visible=m.id == method.id) as panel:
                            main_block = catalogue.default_block(main)
                            knobs += _controls(m, [k for k in m.params.knobs() if not k.rare], main_block)
                            if rare := [k for k in m.params.knobs() if k.rare]:
                                with gr.Accordion(words.MORE, open=False):
                                    knobs += _controls(m, rare, main_block)
                        panels.append(panel)
                    dtype = gr.Radio(
                        [(words.ARITHMETICS[name], name) for name in space.ARITHMETICS],
                        value=usual.arithmetic,
                        label=words.ARITHMETIC,
                        info=words.ARITHMETIC_NOTE,
                        elem_id="dtype",
                    )
                    seed = gr.Number(0, precision=0, minimum=0, label=words.SEED, elem_id="seed")
                    compare = gr.Checkbox(True, label=words.COMPARE, elem_id="compare")
                with gr.Row():
                    upload = gr.UploadButton(
                        words.OPEN, file_types=[".json", ".gz"], size="md", min_width=100, elem_id="open"
                    )
                    saved = act.show(first)[2] if first else None
                    save = gr.DownloadButton(words.SAVE, value=saved, size="md", min_width=100, elem_id="save")
            with gr.Column(scale=4, min_width=320, elem_id="main"):
                value = stage.load(first) if first else ""
                asked = act.trace, act.figure, act.figures, act.runs, act.masks, act.file, act.tune, act.cards, qr
                player = stage.player(views, value, *asked, elem_id="player")

        names = [name for name, _ in knobs]
        known = [id for _, id in recorded]

        def start(
            method: str,
            model: str,
            draft: str | None,
            prompt: str,
            seed: float,
            compare: bool,
            dtype: str,
            *values: Any,
        ):
            mine = {knob: value for (owner, knob), value in zip(names, values, strict=True) if owner == method}
            yield from act.decode(method, model, prompt, seed or 0, compare, mine, draft, dtype)

        def follow(event: gr.EventData, now: str, guests: tuple[Guest, ...]):
            link = links.read(event._data, methods, lambda run: run in known, guests)
            if link.wrong:
                gr.Warning(words.BAD_LINK.format(parts=", ".join(link.wrong)))
            found: dict[Any, Any] = {}
            if link.run is not None:
                message, run, file = act.show(link.run)
                found = {player: message, run_id: run, save: file, shelf: run}
            return found | put(link.settings or made(link.run), now, guests) or gr.skip()

        def made(run: str | None) -> links.Settings | None:
            entry = act.store.get(run) if run else None
            return links.of(entry.trace, methods) if entry else None

        def put(asked: links.Settings | None, now: str, guests: tuple[Guest, ...] = ()) -> dict[Any, Any]:
            """Settings into the controls, whose method is `now`."""
            if asked is None:
                return {}
            controls = dict(knobs)
            found: dict[Any, Any] = {linked: asked, chosen: asked.method.id, prompt: asked.prompt, seed: asked.seed}
            found |= {controls[asked.method.id, name]: value for name, value in asked.knobs.items()}
            if asked.dtype in space.ARITHMETICS:
                found[dtype] = asked.dtype
            if asked.method.id == now:
                # Another method brings its models with it, in `panel_of`; both at once would send the old model to
                # the new menu.
                menus = _panels(methods, now, None, None, asked, guests)
                found |= dict(zip([about, model, draft, *panels], menus, strict=True))
            return found

        def pick(run: str, now: str, guests: tuple[Guest, ...]):
            message, id, file = act.show(run)
            return {player: message, run_id: id, save: file} | put(made(run), now, guests)

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        shared: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": AT_ONCE}
        waiting: dict[str, Any] = {**private, "show_progress": "minimal", "show_progress_on": [line]}
        running = gr.on(
            [go.click, prompt.submit],
            polite(start),
            [chosen, model, draft, prompt, seed, compare, dtype, *[c for _, c in knobs]],
            [player, run_id, save],
            trigger_mode="once",
            **shared,
            **waiting,
        )
        halt.click(act.stop, [run_id], None, queue=False, **private).then(None, cancels=[running], **private)
        panel_of = functools.partial(_panels, methods)
        given = [chosen, model, draft, linked, guests]
        chosen.change(panel_of, given, [about, model, draft, *panels], queue=False, **private)
        blocks = [component for (_, knob), component in knobs if knob == "block"]
        picked = functools.partial(_picked, len(blocks))
        model.change(picked, [model, linked, guests], [note, *blocks], queue=False, **private)
        drafters = functools.partial(_drafters, methods)
        model.change(drafters, [chosen, model, draft, guests], [draft], queue=False, **private)
        upload.upload(polite(act.open), [upload], [player, run_id, save], **private)
        restored = [player, run_id, save, shelf, linked, chosen, about, model, draft, prompt, seed, dtype, *panels]
        # A run of the visitor's own, or from a file, is none of the recorded ones.
        run_id.change(lambda run: run if run in known else None, [run_id], [shelf], queue=False, **private)
        shelf.input(polite(pick), [shelf, chosen, guests], [*restored, *[c for _, c in knobs]], **private)
        player.link(follow, [chosen, guests], [*restored, *[c for _, c in knobs]], **private)
        player.reference(polite(act.reference), None, [player], **shared, **waiting)

        def race(event: gr.EventData, model: str, dtype: str, *values: Any):
            page: dict[str, dict[str, Any]] = {}
            for (owner, knob), value in zip(names, values, strict=True):
                page.setdefault(owner, {})[knob] = value
            yield from act.race(event._data, page, model, dtype)

        def halt_race(event: gr.EventData) -> None:
            act.sweeps.halt(event._data.get("sweep"))
            act.stop(event._data.get("run"))

        def sweep(event: gr.EventData):
            yield from act.sweep(event._data)

        def again(event: gr.EventData, now: str, guests: tuple[Guest, ...]):
            """A run of a sweep: its settings go into the controls, and it is made."""
            _, row = act.sweeps.row(event._data)
            asked = links.checked(act.sweeps.settings(row), methods, guests)
            filled = put(asked, now, guests)
            for message, id, file in act.again(asked, row["text"]):
                yield filled | {player: message, run_id: id, save: file}
                filled = {}

        if loading:
            around, told = [named, dtype, chosen, guests, model, draft], [met, guests, model, draft, check]
            look.click(polite(functools.partial(_meet, methods)), around, told, **waiting)
            check.click(polite(functools.partial(_measure, methods)), around, told, **shared, **waiting)
        if space.ZERO:
            tokens = [(method, c) for (method, knob), c in knobs if knob == "max_new"]

            def count(method: str, model: str, draft: str | None, compare: bool, dtype: str, *most: float) -> str:
                own = dict(zip([owner for owner, _ in tokens], most, strict=True))
                at = next(m for m in methods if m.id == method)
                return _asks(at, model, draft, compare, own[method], dtype)

            changes = [c.change for c in (chosen, model, draft, compare, dtype)] + [c.release for _, c in tokens]
            inputs = [chosen, model, draft, compare, dtype, *[c for _, c in tokens]]
            gr.on(changes, count, inputs, [asks], queue=False, **private)
        inputs = [model, dtype, *[c for _, c in knobs]]
        player.race(race, inputs, [player], trigger_mode="multiple", **shared, **waiting)
        player.sweep(sweep, None, [player], trigger_mode="multiple", **shared, **waiting)
        player.again(polite(again), [chosen, guests], [*restored, *[c for _, c in knobs]], **shared, **waiting)
        player.halt(halt_race, None, None, queue=False, **private)
        for m in methods:
            gr.api(endpoint(m, act), api_name=m.id, **shared)  # pyright: ignore[reportPrivateImportUsage]
    if first:
        demo.early = early.page(first, act.trace({"run": first}), views)  # type: ignore[attr-defined]
    return demo


def settings() -> dict[str, Any]:
    """Arguments of `launch`. Run history is off because it stores every message in the visitor's browser (and slows the
    page by 10x); SSR is off because it would need node."""
    theme = themes.Base(primary_hue="blue", neutral_hue="slate", radius_size="sm").set(
        # Gradio's own light greys and its Run button have a contrast of 2.6 and 3.7; text needs 4.5.
        body_text_color_subdued="*neutral_600",
        # In the dark the player's own greys, so that page and player are one.
        body_background_fill_dark="#0F1318",
        block_background_fill_dark="#161B22",
        input_background_fill_dark="#1E242C",
        border_color_primary_dark="#2A323C",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
    return {
        "theme": theme,
        "css": CSS,
        "head": HEAD,
        "run_history": False,
        "ssr_mode": False,
        "max_file_size": 8 * 2**20,
        "footer_links": ["api", "settings"],
        "app_kwargs": {"middleware": [Middleware(early.Early)]},
    }


def _controls(method: Method, knobs: list[Knob], block: int | None) -> list[tuple[tuple[str, str], Any]]:
    """((method, knob), its control) for each of these knobs, drawn where this is called."""
    made = []
    for knob in knobs:
        component = control(knob, block if knob.name == "block" else None)
        component.elem_id = f"knob-{method.id}-{knob.name}"
        made.append(((method.id, knob.name), component))
    return made


def _named(trace: Trace, methods: tuple[Method, ...]) -> str:
    """A recorded run in its menu: method, what was set, what it differs in, prompt."""
    own = settings_of(trace, methods)
    where = trace.difference() if trace.reference else None
    marks = [own] if own else []
    if any(isinstance(e, Decide) and e.among for e in trace.events):
        found = right(trace)
        told = found and dict(zip(("pos", "token", "best"), found, strict=True))
        marks.append(words.PATH_RIGHT.format(**told) if told else words.PATH)
    if where is not None and trace.reference:
        marks.append(words.DIFFERS.format(reference=trace.reference.method, pos=where))
    return f"{trace.title}{' (' + '; '.join(marks) + ')' if marks else ''}: {trace.prompt}"


def _default(methods: tuple[Method, ...]) -> str:
    return FIRST if any(m.id == FIRST for m in methods) else methods[0].id


def _menu(methods: tuple[Method, ...]) -> list[tuple[str, str]]:
    """What the method menu offers, group by group: (what is shown, the method's id)."""

    def group(m: Method) -> str:
        return "reference" if m.guarantee == "reference" else next(iter(m.roles.values()))[0]

    return [(f"{m.title} · {name}", m.id) for key, name in words.GROUPS.items() for m in methods if group(m) == key]


def _about(methods: tuple[Method, ...], name: str) -> str:
    m = next(m for m in methods if m.id == name)
    return f"{m.summary}\n\n<small>{m.paper} · arXiv:{m.arxiv}</small>"


def _panels(
    methods: tuple[Method, ...],
    name: str,
    model: str | None,
    draft: str | None,
    linked: links.Settings | None = None,
    guests: tuple[Guest, ...] = (),
) -> list:
    if linked is not None and linked.method.id == name:
        model, draft = [*linked.models.values(), None][:2]
    m = next(m for m in methods if m.id == name)
    main = _choices(m, 0, model, guests=guests)
    models = [gr.update(**main), gr.update(**_choices(m, 1, draft, main["value"], guests))]
    return [_about(methods, name), *models, *[gr.update(visible=m.id == name) for m in methods]]


def _meet(
    methods: tuple[Method, ...],
    name: str | None,
    dtype: str,
    method: str,
    guests: tuple[Guest, ...],
    model: str | None,
    draft: str | None,
    measured: str = "",
) -> tuple[Any, tuple[Guest, ...], Any, Any, Any]:
    """A model that a visitor named: what it is, and, if it fits here, a place in the menus; chosen for the first role
    of the method that it can have. One that nobody here knows is `measured` before; the button for that is the last of
    what comes back."""
    met = guest.meet(name or "", placed(dtype))
    strange = met.fits and not measured and catalogue.stranger((name or "").strip())
    at = next(m for m in methods if m.id == method)
    mine, bundled = met.guest, [entry.id for entry in catalogue.CATALOGUE]
    if met.fits and not strange and mine not in guests and mine.name not in bundled:
        guests = (*guests, mine)
    first, *rest = (mine in guests and mine.attention in kinds for kinds in at.roles.values())
    main = _choices(at, 0, mine.name if first else model, guests=guests)
    second = _choices(at, 1, mine.name if any(rest) and not first else draft, main["value"], guests)
    lines = guest.described(met, methods).split("\n")
    lines[2:2] = filter(None, [measured, words.UNMEASURED if strange else ""])  # before the long list of methods
    said = gr.update(value="\n".join(lines), visible=True)
    return said, guests, gr.update(**main), gr.update(**second), gr.update(visible=strange)


def _measure(methods: tuple[Method, ...], name: str | None, dtype: str, *around: Any) -> tuple:
    """As `_meet`, after the conformance check; raises `ModelUnavailable` where that can tell nothing."""
    report = probe((name or "").strip(), placed(dtype))
    if not report.informative:
        raise ModelUnavailable(f"{report.nothing} Check the folder.")
    return _meet(methods, name, dtype, *around, measured="\n".join(report.sentences))


def _asks(method: Method, model: str, draft: str | None, compare: bool, most: float | None, dtype: str) -> str:
    """On ZeroGPU, for how long a run with these settings asks for a card."""
    if not space.ZERO:
        return ""
    models = dict(zip(method.roles, (model, draft), strict=False))
    knobs = {} if most is None else {"max_new": most}
    models = {role: name for role, name in models.items() if name}
    job = space.Job(method, models, "", knobs=knobs, placement=Placement(dtype=dtype), compare=compare)
    return words.ASKS.format(seconds=space.estimate((job,)))


def _drafters(
    methods: tuple[Method, ...], name: str, model: str | None, draft: str | None, guests: tuple[Guest, ...] = ()
) -> Any:
    """Another model: who may draft for it."""
    return gr.update(**_choices(next(m for m in methods if m.id == name), 1, draft, model, guests))


def _note(name: str) -> str:
    """What a bundled model can answer, in words and in measured numbers."""
    return f"{catalogue.entry(name).note} {measured.accuracy(name)}".rstrip()


def _picked(blocks: int, name: str, linked: links.Settings | None = None, guests: tuple[Guest, ...] = ()) -> list:
    """Another model: what it knows, and in every method's settings the block size it was trained for, or the one that
    came with it in a link."""
    other = next((g for g in guests if g.name == name), None)
    note = words.GUEST.format(family=other.family, attention=other.attention) if other else _note(name)
    block = other.block if other else catalogue.default_block(name)
    if linked is not None and next(iter(linked.models.values())) == name:
        block = linked.knobs.get("block", block)
    return [note, *[gr.skip() if block is None else block for _ in range(blocks)]]


def _choices(
    method: Method, n: int, now: str | None, main: str | None = None, guests: tuple[Guest, ...] = ()
) -> dict[str, Any]:
    """What the dropdown of the method's n-th role offers: models that fit, without the one that is the `main` model if
    there is another, and the present one if it is among them. Without such a role it is hidden."""
    kinds = [*method.roles.values(), ()][min(n, len(method.roles))]
    fits = catalogue.fitting(kinds) if kinds else ()
    names = [(f"{e.title} ({words.MISSING})" if catalogue.missing(e.id) else e.title, e.id) for e in fits]
    names += [(f"{g.title} · {g.family}", g.name) for g in guests if g.attention in kinds]
    names = [named for named in names if named[1] != main] or names
    ids = [id for _, id in names]
    usual = list(catalogue.default_models(method).values())[n : n + 1]
    first = next((id for id in usual if id in ids), ids[0] if ids else None)
    return {"choices": names, "value": now if now in ids else first, "visible": bool(kinds)}
