"""What a plugin author tests with: contracts to inherit, a source in memory, valid records."""
