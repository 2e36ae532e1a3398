"""The service beside what people would use instead, on the same model and pictures."""
