"""What users of the portal may ask of the cluster: which namespaces are open to them, which Pod Security Standard their
pods keep, which fields of a Service they may set."""
