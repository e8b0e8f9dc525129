"""The API server: HTTP on a port, reading, writing, watching, misbehaving. May import everything below but
`nodes`."""
