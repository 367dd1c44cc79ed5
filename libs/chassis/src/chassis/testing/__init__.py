"""Test doubles and fixtures of the chassis; installed with the extra `testing`."""
