"""From where a System boots next, in every vendor's way."""
