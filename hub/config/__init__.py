"""One TOML file, the environment and secret files, read into frozen settings."""
