"""Components that the tabs draw."""
