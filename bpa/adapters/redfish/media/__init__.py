"""Virtual media in every vendor's way."""
