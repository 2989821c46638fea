"""One step of the answer a file, named as in the drawing of the graph."""
