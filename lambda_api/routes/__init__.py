"""Routes and their response documents."""
