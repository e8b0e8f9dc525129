"""The OpenAPI 3.1 document at `/api/v1/schema`, and Swagger UI over it. It may import every room of nouns."""
