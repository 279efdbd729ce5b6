"""What is measured, in one module or function a kind of experiment: from an experiment to rows of results."""
