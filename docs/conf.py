"""How the documentation is built: sphinx-build docs OUT."""

project = "gridmap"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "alabaster"
html_theme_options = {"description": "Grids for community governance", "page_width": "1080px"}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
suppress_warnings = ["ref.any"]
