"""Payments: charges orders at the provider, settles what is open and gives back what is owed."""
