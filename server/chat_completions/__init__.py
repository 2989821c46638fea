"""Chat completions as OpenAI defines them: what comes in, what goes out, and how it fails."""
