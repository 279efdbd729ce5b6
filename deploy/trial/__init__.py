"""Tries a whole deployment: makes one of its own, tests it from inside, fetches what it said, destroys it.

    python -m deploy.trial

docs/deployment-test.md says what happens and what it costs.
"""
