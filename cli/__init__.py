"""The command line, on top of everything. Commands import what they need when they run, so that help is quick."""
