"""The files that draw on a page: the player, the scripts and styles of its lenses, and Plotly's own script."""

from pathlib import Path

import plotly

ASSETS = Path(__file__).resolve().parents[1] / "assets"
# `<id>.js` draws the view with that id, or is a view or a tool of its own.
LENSES = ASSETS / "lenses"
# `<language>/<id>.js` holds what the script with that id says in another language (docs/translating.md).
WORDS = ASSETS / "words"
# The player first: a lens registers itself with it. The lenses in the order of their names, then what they all say.
SCRIPTS = (ASSETS / "player.js", *sorted(LENSES.glob("*.js")), *sorted(WORDS.glob("*/*.js")))
STYLES = (ASSETS / "player.css", *sorted(LENSES.glob("*.css")))
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
