"""The gateway: calls of OpenAI's and Anthropic's clients pass through to a provider, recorded."""
