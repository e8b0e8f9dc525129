"""Names that lead to the pods of the asker's own NodeUnit: where each NodeUnit asks from, and what CoreDNS is told."""
