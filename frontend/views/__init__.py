"""Parts of the page that the tabs draw."""
