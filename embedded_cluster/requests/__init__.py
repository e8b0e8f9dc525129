"""What is asked: addresses, names, preconditions, and bodies in JSON, YAML and protobuf. May import `objects`,
`kinds`."""
