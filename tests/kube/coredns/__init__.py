"""CoreDNS, the DNS server of nearly every cluster, and questions to it."""
