"""What all tests of the chassis share."""

pytest_plugins = ["chassis.testing.plugin"]
