"""A look at a data set before training: what is in it, what is broken, what is there twice."""
