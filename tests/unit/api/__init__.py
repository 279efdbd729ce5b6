"""Tests of ``chalicelib.api``, through the application."""
