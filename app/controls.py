"""A knob as a Gradio component: the only file that knows both."""

from typing import Any

import gradio as gr
from gradio.components import Component

from decoders.params import Knob


def control(knob: Knob, value: Any = None) -> Component:
    """A slider, checkbox or radio for the knob; its label carries the paper's letter, its help the sentence."""
    value = knob.default if value is None else value
    if knob.kind is bool:
        return gr.Checkbox(value, label=knob.label, info=knob.help, interactive=True)
    if knob.choices:
        return gr.Radio(list(knob.choices), value=value, label=knob.label, info=knob.help, interactive=True)
    assert knob.lo is not None and knob.hi is not None, "a number knob declares its range"
    return gr.Slider(knob.lo, knob.hi, value, step=knob.step, label=knob.label, info=knob.help, interactive=True)
