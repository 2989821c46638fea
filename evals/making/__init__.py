"""Questions made from the documents themselves, each with the span that answers it."""
