"""Views of a trace: pure functions from a trace and a cursor to a figure, plus a report for the terminal.

`viz.registry.view("heatmap").draw(trace)` gives a Plotly figure. Nothing here imports torch or gradio, and of
`decoders` only the trace: a trace file is enough to draw everything.
"""
