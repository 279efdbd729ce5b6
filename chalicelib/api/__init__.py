"""The REST API: one module a resource, and what they share (routing, requests, responses, tokens)."""
