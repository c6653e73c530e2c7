"""Grids for community governance: read a city, draw its grids, publish, find who owns a place."""
