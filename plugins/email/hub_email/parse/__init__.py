"""From the bytes of a mail to what it says, without believing any of it."""
