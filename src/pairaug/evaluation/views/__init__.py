"""An evaluation as JSON, as text, as rows and as a page, and the answers that open each of them."""
