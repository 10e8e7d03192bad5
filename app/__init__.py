"""The explorer: a command line (`python -m app`) and a page (`app.py`), both translations of `decoders.run`.

This file has to exist: without it `python app.py` would find the module `app.py` instead of this package.
"""
