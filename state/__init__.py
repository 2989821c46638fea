"""The words that every other part speaks: documents, passages, claims, answers, errors and ports."""
