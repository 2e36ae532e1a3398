"""How fast the service starts and answers, and how much memory it takes."""
