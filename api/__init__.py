"""The web service: each route calls one verb of gridmap."""

from importlib.metadata import version

#: Of gridmap: the service has none of its own.
VERSION = version("gridmap")
