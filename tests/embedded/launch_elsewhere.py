"""The launcher as on a system that can't tie a child's life to its parent's (macOS, say)."""

import runpy
import sys
from pathlib import Path

sys.platform = "elsewhere"
runpy.run_path(
    str(Path(__file__).parents[2] / "services" / "embedded" / "child.py"), run_name="__main__"
)
