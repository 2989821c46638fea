"""Pure functions on text: languages, terms, sentences, queries and normal forms. No models, no files, no network."""
