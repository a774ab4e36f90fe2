# Managed by scaffold: updates merge this file.
"""MLflow."""

from __future__ import annotations

import uuid

import mlflow

from clients import setting

# Where checks leave nothing but their name.
CHECKS = "scaffold_check"


def connect() -> mlflow.MlflowClient:
    """A client of the project's tracking server. It sets the address for `mlflow.start_run()` and its like too."""
    mlflow.set_tracking_uri(setting("MLFLOW_TRACKING_URI"))
    return mlflow.MlflowClient()


def check() -> None:
    """Log a run with an artifact, read it back and remove it.

    Raises whatever the client raises, and LookupError when the artifact is another one.
    """
    client = connect()
    written = uuid.uuid4().hex
    run = client.create_run(_experiment(client)).info.run_id
    try:
        client.log_text(run, written, "check.txt")
        if mlflow.artifacts.load_text(f"runs:/{run}/check.txt") != written:
            raise LookupError("the artifact that was just written is not there")
    finally:
        client.delete_run(run)


def _experiment(client: mlflow.MlflowClient) -> str:
    """The id of the experiment for checks, made at the first one; another process may do so at the same moment."""
    found = client.get_experiment_by_name(CHECKS)
    if found is None:
        try:
            return client.create_experiment(CHECKS)
        except mlflow.MlflowException:
            found = client.get_experiment_by_name(CHECKS)
            if found is None:
                raise
    return found.experiment_id
