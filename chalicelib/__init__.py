"""Privacy-preserving record linkage as a service: ``api``, ``workflow``, ``linkage``, ``storage``."""

__version__ = "0.1.0"
