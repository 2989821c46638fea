"""What a node, a command or an agent can do: search, rerank, open a document. Functions, and LangChain tools."""
