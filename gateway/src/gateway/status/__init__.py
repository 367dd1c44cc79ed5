"""How the services are, as the gateway's processes see them: for people and as JSON."""
