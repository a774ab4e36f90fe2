"""Each model as a run in the tracking server, where this project has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients import provider

EXPERIMENT = "train"


def record(generation: str, about: Mapping[str, Any]) -> None:
    """Log a run: numbers of the result as metrics, the rest as parameters, and which data it was.

    Raises whatever the client of the tracking server raises.
    """
    tracker = provider("tracking")
    if tracker is None:
        return
    client = tracker.connect()
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
    run = client.create_run(experiment, run_name=generation).info.run_id
    for name, value in about["result"].items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            client.log_metric(run, name, value)
        else:
            client.log_param(run, name, value)
    client.log_param(run, "data", about["from"])
    client.set_terminated(run)
