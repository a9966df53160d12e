"""``python -m firstlight``."""

from __future__ import annotations

import sys

from firstlight.cli import main

sys.exit(main())
