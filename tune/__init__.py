"""Choosing settings: sweeps and searches over knobs, their table and its front, and what another card would do."""
