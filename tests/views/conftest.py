"""Puts the hand-written runs of view_samples.py on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
