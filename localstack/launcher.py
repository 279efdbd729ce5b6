"""The emulator's process: MiniStack's application, patched, on its port and on the API's.

Run by ``emulator``, which gives it its settings in the environment. It ends by itself on SIGTERM: MiniStack
saves its state, but a running Distributed Map keeps threads that would hold the process for ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app
from ministack.core import lambda_runtime

from localstack import patches
from localstack.front import Front

_SAVE_SECONDS = 5  # the supervisor's patience is longer


def main() -> None:
    patches.apply(
        logs_dir=Path(os.environ["LAUNCHER_LOGS_DIR"]),
        name_prefix=os.environ["LAUNCHER_NAME_PREFIX"],
        function_concurrency=int(os.environ["LAUNCHER_FUNCTION_CONCURRENCY"]),
    )
    asyncio.run(_serve())
    lambda_runtime.reset()  # ends the workers
    os._exit(0)


async def _serve() -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _stop, stopping)
    api_port = int(os.environ["LAUNCHER_API_PORT"])
    front: Any = Front(  # Any: hypercorn wants the union of all ASGI scopes
        app.app,
        port=api_port,
        prefix=os.environ["LAUNCHER_API_PREFIX"],
        concurrency=int(os.environ["LAUNCHER_API_CONCURRENCY"]),
    )
    config = Config()
    host = os.environ["BIND_HOST"]
    config.bind = [f"{host}:{os.environ['GATEWAY_PORT']}", f"{host}:{api_port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = os.environ["LOG_LEVEL"]
    await serve(front, config, shutdown_trigger=stopping.wait)


def _stop(stopping: asyncio.Event) -> None:
    stopping.set()
    timer = threading.Timer(_SAVE_SECONDS, os._exit, [1])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
