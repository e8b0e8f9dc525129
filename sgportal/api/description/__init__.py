"""How a call is described: its query parameters, its bodies and answers, and the OpenAPI operation made of them.

A description is used twice: to check the query and to write `/api/v1/schema`. It may import `http` and `core`.
"""
