"""The embedded stack: the whole service on one Linux machine, from PyPI packages alone."""
