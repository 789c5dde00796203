"""The site made of these pages: `make site`."""

project = "Graftbot"
author = "The Graftbot authors"
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Graftbot"
nitpicky = True
