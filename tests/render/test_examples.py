"""examples/ is what the presets render to, byte for byte."""

from __future__ import annotations

from pathlib import Path

from tests.support import tree
from tools import examples


def test_examples_are_up_to_date(tmp_path: Path) -> None:
    examples.write_examples(tmp_path)
    rendered, committed = tree.files(tmp_path), tree.files(examples.EXAMPLES, without=(examples.TEAM.name,))
    assert sorted(rendered) == sorted(committed), "make examples"
    for name, content in rendered.items():
        assert content == committed[name], f"examples/{name} is stale: make examples"
