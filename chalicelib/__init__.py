"""Privacy-preserving record linkage as a service: ``api``, ``workflow``, ``linkage``, ``storage``."""
