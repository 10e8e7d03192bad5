"""Decoding methods for diffusion language models, each a generator of the events in `decoders.trace`.

Importing this package costs nothing: torch is loaded by `decoders.run` and below, never by `decoders.trace`.
"""
