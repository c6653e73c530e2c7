"""The notebook editor without a browser."""
