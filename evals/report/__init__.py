"""Reports of evaluation runs, as pages for people."""
