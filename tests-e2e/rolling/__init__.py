"""Rolling: everything is restarted, upgraded and scaled while clients ask, and no request may fail."""
