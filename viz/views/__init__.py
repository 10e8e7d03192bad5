"""One file, one view, one question. Every module here is found by `viz.registry`; docs/adding-a-view.md says how."""
