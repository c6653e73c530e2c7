"""Tests of reading a city office's files, one file per module."""
