"""What is believed of containers while the engine does not answer: nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.ops.helpers import Engine

JOURNAL: dict[str, Any] = {"containers": [{"id": "abc", "name": "p-app-1"}]}


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_a_journal_stays_until_the_engine_says_what_runs(root: Path, engine: Engine, how: str) -> None:
    from ops import project, state, tidy
    from ops.errors import OpsError

    engine.set(reachable=False)
    state.save(root, state.QUIESCED, {**JOURNAL, "how": how})
    with pytest.raises(OpsError) as caught:
        tidy.resume(project.load(root))
    assert caught.value.problem.cause == "unfinished"
    assert state.load(root, state.QUIESCED) is not None


def test_nothing_is_brought_back_while_the_engine_is_away(engine: Engine) -> None:
    from ops.volumes import freeze

    engine.set(reachable=False)
    assert "cannot be stopped" in freeze.hindrance(JOURNAL, {"p_uploads"})
    assert freeze.hindrance({}, {"p_uploads"}) == "no Docker engine in reach"


def test_a_volume_is_not_called_absent_while_the_engine_is_away(engine: Engine) -> None:
    from ops.errors import OpsError
    from ops.sets import targets

    engine.hold("p_uploads")
    assert targets.exists("p_uploads")
    engine.set(reachable=False)
    with pytest.raises(OpsError):
        targets.exists("p_uploads")
