"""Backups of generated projects on a real engine; some tests drive the package that ships in the template directly."""

from __future__ import annotations

from tests.support import ops

ops.register()
