"""Makes what several tests share importable."""

import sys
from pathlib import Path

from hypothesis import settings

# The same examples in every run: what passes once passes again.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")
sys.path.insert(0, str(Path(__file__).parent / "support"))
