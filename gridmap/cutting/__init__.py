"""The geometry of the cut: faces between streets, cells round buildings, clean coverages."""
