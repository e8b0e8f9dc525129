"""The reads that REST and pages share."""
