"""Tests of the partition engine, one file per side of it."""
