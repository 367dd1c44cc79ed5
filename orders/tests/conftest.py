"""What tests share: the chassis' fixtures and a shop to test on."""

pytest_plugins = ["chassis.testing.plugin"]
