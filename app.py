"""The Chalice project: the API and, for Chalice's command line, the functions of the workflow."""

from __future__ import annotations

import os

from chalicelib.api.application import app

# The tasks bring numpy and anonlink. Each is its own Lambda function with its own handler; only
# `chalice package` and its like want to see them all.
if "AWS_CHALICE_CLI_MODE" in os.environ:
    from chalicelib.storage.migrate import migrate
    from chalicelib.workflow import (
        compare,
        encrypting,
        estimate,
        failures,
        ingest,
        link,
        merge,
        output,
        permuting,
        plan,
        purge,
        reconcile,
        views,
    )

    modules = (
        compare,
        encrypting,
        estimate,
        failures,
        ingest,
        link,
        merge,
        output,
        permuting,
        plan,
        purge,
        reconcile,
        views,
    )
    for module in modules:
        app.register_blueprint(module.tasks)
    app.lambda_function(name="migrate")(migrate)
