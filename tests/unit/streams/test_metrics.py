"""Each metric has a name of its own."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from streams import metrics


def test_no_metric_takes_anothers_name() -> None:
    tree = ast.parse(Path(metrics.__file__).read_text(encoding="utf-8"))
    names = Counter(
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    )
    assert len(names) > 20
    assert [name for name, count in names.items() if count > 1] == []
