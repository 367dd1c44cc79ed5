"""Faults: shoppers who buy while everything breaks, and a checker of what became of their money and orders."""
