"""What a client can find out: groups, resources, OpenAPI in both versions. May import `requests` and what is below."""
