"""Makes what is deployed to AWS out of this repository."""
