"""One palette for every view: one hue means one state, and each state also has a glyph, so it survives greyscale.

The fills keep a CIEDE2000 distance of at least 9 from each other in normal vision and under simulated protanopia,
deuteranopia and tritanopia (Machado 2009, severity 1.0); each text colour has a WCAG 2 contrast of at least 4.5 on
its fill. Token text enters a figure only through `piece` (whitespace made visible) and `literal` (Plotly's markup
switched off).
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import plotly.graph_objects as go

from decoders.trace import Trace, piece_bytes

MONO = '"IBM Plex Mono", ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace'
SANS = '"IBM Plex Sans", system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'


class Ink(NamedTuple):
    """How one state looks in one theme: colours as #rrggbb, and the glyph that carries it without colour."""

    fill: str
    text: str
    glyph: str


# state: glyph, light fill, light text, dark fill, dark text. `unmasked` is a plain denoising step's own choice,
# `unreached` a draft token behind a rejected one.
_STATES = {
    "prompt": ("", "#ECEFF3", "#3F4854", "#1E242C", "#B4BDC9"),
    "masked": ("▢", "#C8CED8", "#101418", "#48515E", "#FFFFFF"),
    "drafted": ("?", "#FFC94D", "#101418", "#F2B84B", "#101418"),
    "accepted": ("✓", "#0B5FA5", "#FFFFFF", "#5AA9F0", "#101418"),
    "rejected": ("✕", "#B5400F", "#FFFFFF", "#B8461A", "#FFFFFF"),
    "unreached": ("·", "#E4E8EE", "#4A525E", "#242B34", "#98A2AF"),
    "corrected": ("↻", "#C56BAA", "#101418", "#DE6FA6", "#101418"),
    "bonus": ("★", "#4FB79A", "#101418", "#9BF0D2", "#101418"),
    "unmasked": ("●", "#9CC3E6", "#101418", "#24618C", "#FFFFFF"),
    "committed": ("", "#FFFFFF", "#1B2530", "#0F1318", "#E3E9F0"),
    "remasked": ("↺", "#C8CED8", "#101418", "#48515E", "#FFFFFF"),
    "after_eos": ("", "#F3F5F8", "#5B6472", "#161C23", "#8A94A1"),
    "absent": ("", "#FFFFFF", "#5B6472", "#0F1318", "#8A94A1"),
}
STATES: tuple[str, ...] = tuple(_STATES)
GLYPHS = MappingProxyType({name: row[0] for name, row in _STATES.items()})

# Probabilities: bright is high in both themes.
CIVIDIS = ("#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#E1CC55", "#FEE838")

# role: light, dark. `line` draws what was committed earlier, `remasked` outlines a remasked cell, `ring` the cursor.
_ROLES = {
    "page": ("#FFFFFF", "#0F1318"),
    "ink": ("#1B2530", "#E3E9F0"),
    "muted": ("#5B6472", "#8A94A1"),
    "grid": ("#E3E7ED", "#262E38"),
    "line": ("#8DB9D6", "#2F6C93"),
    "remasked": ("#6B4FA3", "#CDBBFF"),
    "ring": ("#101418", "#FFFFFF"),
    "few": ("#AEB6C1", "#5C6878"),
    "threshold": ("#6B4FA3", "#CDBBFF"),
}

# Okabe-Ito based: light, dark, Plotly marker. The shape is required: localleap and s2d2 are 2.5 apart to some eyes.
_METHODS = {
    "ar": ("#5F6873", "#8A94A1", "circle"),
    "stepwise": ("#E69F00", "#FFD166", "square"),
    "fixed-k": ("#5C1A1B", "#94715C", "hourglass"),
    "threshold": ("#56B4E9", "#9AD8FF", "diamond"),
    "eb": ("#1B5E20", "#FEFCDB", "bowtie"),
    "klass": ("#C2185B", "#D228AE", "hexagram"),
    "localleap": ("#8C6D1F", "#C9B458", "hexagon"),
    "block": ("#7A8B2A", "#B5CC5A", "pentagon"),
    "ssd": ("#0072B2", "#3B82F6", "triangle-up"),
    "diffuspec": ("#009E73", "#2CC995", "cross"),
    "simsd": ("#CC79A7", "#F19CCB", "x"),
    "s2d2": ("#D55E00", "#E8590C", "triangle-down"),
    "freedave": ("#0A0A0A", "#4B3CFF", "star-triangle-up"),
    "psd": ("#3D2B8E", "#B197FC", "star"),
    "dream": ("#7B3F00", "#E6B089", "star-square"),
    "fast-v2": ("#00626B", "#7FD6DE", "star-diamond"),
    "llada2": ("#8E2A5B", "#F5A3C7", "diamond-tall"),
    "prompt-lookup": ("#4A5A1F", "#D3DE9A", "triangle-left"),
    "speculative": ("#1F4E79", "#A9C9E8", "triangle-right"),
    "wino": ("#8A2BE2", "#39D353", "octagon"),
}


def state(name: str, dark: bool = False) -> Ink:
    """The look of a token state."""
    glyph, *colours = _STATES[name]
    return Ink(colours[2 * dark], colours[2 * dark + 1], glyph)


def colour(role: str, dark: bool = False) -> str:
    """A colour that is not a token state: page, ink, muted, grid, line, remasked, ring, few, threshold."""
    return _ROLES[role][dark]


# Plotly's marker symbols as characters. Others stand for the shapes that few fonts have.
MARKERS = {
    "circle": "●",
    "square": "■",
    "hourglass": "▬",
    "diamond": "◆",
    "bowtie": "⋈",
    "hexagram": "✡",
    "hexagon": "⬢",
    "pentagon": "⬟",
    "triangle-up": "▲",
    "cross": "✚",
    "x": "✖",
    "triangle-down": "▼",
    "star-triangle-up": "◭",
    "star": "★",
    "star-square": "❖",
    "star-diamond": "✦",
    "diamond-tall": "♦",
    "triangle-left": "◀",
    "triangle-right": "▶",
    "octagon": "◉",
}


def method(name: str, dark: bool = False) -> tuple[str, str]:
    """(colour, Plotly marker symbol) of a method, by its id; an unknown method is drawn like the autoregressive one."""
    row = _METHODS.get(name, _METHODS["ar"])
    return row[dark], row[2]


@cache
def template(dark: bool = False) -> go.layout.Template:
    """Transparent background, so that the page's own shows through; both axes without the zero line."""
    ink, muted, grid = colour("ink", dark), colour("muted", dark), colour("grid", dark)
    axis = {
        "gridcolor": grid,
        "linecolor": grid,
        "zeroline": False,
        "tickfont": {"color": muted, "size": 11},
        "automargin": True,
        "title": {"font": {"color": ink, "size": 12}, "standoff": 10},
        "fixedrange": False,
        "ticklabelstandoff": 4,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": SANS, "color": ink, "size": 12},
            "title": {
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "font": {"size": 14, "color": ink},
                "pad": {"l": 12},
            },
            "xaxis": axis,
            "yaxis": axis,
            "colorway": [method(name, dark)[0] for name in _METHODS],
            "colorscale": {"sequential": [[i / (len(CIVIDIS) - 1), c] for i, c in enumerate(CIVIDIS)]},
            "hoverlabel": {
                "font": {"family": MONO, "color": ink, "size": 12},
                "bgcolor": colour("page", dark),
                "bordercolor": muted,
                "align": "left",
                "namelength": 0,
            },
            "legend": {"orientation": "h", "font": {"color": ink}, "itemsizing": "constant"},
            "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": muted, "activecolor": ink},
            "annotationdefaults": {"font": {"color": ink}, "showarrow": False},
        }
    )


@cache
def template_json(dark: bool = False) -> dict[str, Any]:
    """The template as it stands in a figure's JSON."""
    return json.loads(str(go.Figure(layout={"template": template(dark)}).to_json()))["layout"]["template"]


def probability(p: float) -> str:
    """A probability in two digits, more close to 1, as the page's player writes it: 0.97, 0.996, 1.00, <0.001."""
    if p <= 0:
        return "0"
    if p < 0.001:
        return "<0.001"
    if p >= 0.99:
        return "1.00" if p >= 0.9995 else f"{p:.3f}"
    return f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def equals(p: float) -> str:
    """What stands behind the name of a probability: `= 0.97`, `< 0.001`."""
    return f"< {probability(p)[1:]}" if 0 < p < 0.001 else f"= {probability(p)}"


# Plotly reads tags, entities, %{...} and, where MathJax is loaded, $...$ in every string it draws. Each of these needs
# one of the characters below, and Plotly decodes entities last: the reader sees the character, nothing else happens.
_LITERAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "%": "&#37;"})


def literal(text: str) -> str:
    """Text that Plotly draws as it stands: no tags, no entities, no templates, no formulas, no line breaks."""
    return visible(text).translate(_LITERAL)


def visible(text: str) -> str:
    """`text` without characters that act instead of being seen: controls, escapes, line ends, direction overrides."""
    return "".join(_seen(c) for c in text)


def _seen(char: str) -> str:
    if char in "\n\t":
        return "⏎" if char == "\n" else "⇥"
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return chr(0x2400 + code) if code < 0x20 else "␡"
    # C1 controls, lone surrogates, line and paragraph separators, and whatever turns the direction of the text around.
    if (
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(char) in _TURNS
        or char in "\u200e\u200f"
    ):
        return f"⟨U+{code:04X}⟩"
    return char


_TURNS = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))


def piece(trace: Trace, token: int) -> str:
    """The text of a token for showing, not for copying: leading spaces as `·`, newline `⏎`, tab `⇥`, nothing to see
    `∅`, a piece that is not UTF-8 on its own `⋯`, a special token ⟨name⟩; an id without a text is `#id`."""
    if token not in trace.vocab:
        return f"#{token}"
    text = trace.vocab[token]
    if token == trace.mask or token in trace.eos or token in trace.specials:
        return f"⟨{visible(text).strip('<|>[]⟨⟩ ') or token}⟩"
    raw = piece_bytes(text)
    if raw != text.encode("utf-8", "replace"):
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return "⋯"
    spaces = len(text) - len(text.lstrip(" "))
    rest = text[spaces:]
    if all(unicodedata.category(c) == "Cf" for c in rest):
        rest = "" if spaces else "∅"
    return ("·" if spaces == 1 else f"·×{spaces}" if spaces > 3 else "·" * spaces) + visible(rest)
