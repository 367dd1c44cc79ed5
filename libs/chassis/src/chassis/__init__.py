"""The microservice chassis: one module for each concern that every service has, and no business noun."""
