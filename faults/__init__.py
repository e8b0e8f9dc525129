"""The fault matrix: each fault on a real control plane and the portal as production runs it, while work goes on, and a
comparison of what is wanted with what is there. `make faults`, results in `docs/reliability/README.md`."""
