"""HTTP below the routes: middleware, limits and request bodies."""
