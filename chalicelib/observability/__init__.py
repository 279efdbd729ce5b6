"""What a function tells of itself: log lines, metrics and, where it is switched on, traces.

``observed`` is put around a call; what is logged, counted or traced within it carries the ids that
``identify`` was given. Ids and numbers only, never a body or a token.
"""

from chalicelib.observability.calls import identify, observed
from chalicelib.observability.logs import logger
from chalicelib.observability.metrics import METRICS, count

__all__ = ["METRICS", "count", "identify", "logger", "observed"]
