"""The API through its client, on a real store."""
