"""What a city office has: its files, their columns and rows, and all that is wrong there."""
