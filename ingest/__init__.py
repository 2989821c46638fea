"""Reading documents in: loaders, splitter, names, change detection and the pipeline that stores them."""
