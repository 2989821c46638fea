"""Neural parts behind the ports: token counter, embedder and rerankers, each loaded at its first use."""
