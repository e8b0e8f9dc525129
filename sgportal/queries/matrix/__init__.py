"""NodeGroups, their NodeUnits, and the matrix of these with the grids bound to them."""
