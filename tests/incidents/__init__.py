"""The rules of a case, without storage."""
