"""How the server bears load: capacity, latency below it, refusals above it, memory, and where the CPU time goes."""
