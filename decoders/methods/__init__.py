"""One file per paper: docstring, `Params`, `decode`, `METHOD`. Listed in `decoders.registry`."""
