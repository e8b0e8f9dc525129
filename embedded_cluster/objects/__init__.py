"""What is stored: JSON objects, where they are kept and found again, and how their values are read. Knows no kinds and
imports nothing else of the cluster."""
