"""The OpenAPI document; loaded when it is requested."""
