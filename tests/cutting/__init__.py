"""Tests of the geometry of the cut, one file per module."""
