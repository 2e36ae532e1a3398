"""The endpoints and their response documents."""
