"""What all tests share: the chassis' fixtures."""

pytest_plugins = ["chassis.testing.plugin"]
