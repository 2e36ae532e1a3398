"""Benchmarks of the service: start, requests, load and memory."""
