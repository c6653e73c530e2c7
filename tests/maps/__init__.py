"""Pages, figures and the atlas."""
