"""What a node, a command or another agent can do: search, rerank, open a document. Typed functions, and LangChain tools."""
