"""Which NodeUnits a grid is for, and what each of them is to have."""
