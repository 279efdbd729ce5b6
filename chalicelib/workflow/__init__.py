"""The state machines' handlers: each reads, calls ``linkage``, and writes. Safe to call twice."""
