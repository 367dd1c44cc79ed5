"""The users service: accounts, sign-in and notifications."""
