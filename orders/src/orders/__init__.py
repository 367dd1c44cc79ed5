"""Orders: the catalogue, and orders from placing to their end."""
