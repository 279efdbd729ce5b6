"""What AWS charges for what a run uses: list prices in US dollars, before any free tier.

Lambda on x86 (https://aws.amazon.com/lambda/pricing/) and standard workflows of Step Functions
(https://aws.amazon.com/step-functions/pricing/), first tier, as in most regions. S3, Postgres and
Redis are left out: they are small beside these, or paid for whether anybody links or not.
"""

from __future__ import annotations

USD_A_GB_SECOND = 0.0000166667
USD_A_REQUEST = 0.20 / 1_000_000
USD_A_TRANSITION = 0.025 / 1_000


def usd(gb_seconds: float, requests: float) -> float:
    """The price of function calls by their memory times time and their number.

    Each is a state of its own, so each is a transition as well; the few states without a call aren't counted.
    """
    return gb_seconds * USD_A_GB_SECOND + requests * (USD_A_REQUEST + USD_A_TRANSITION)
