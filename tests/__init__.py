"""Tests: a file per module, and those of the API, the engine and the pages in folders."""
