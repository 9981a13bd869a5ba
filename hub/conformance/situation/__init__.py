"""What a period was like beside its verdicts: service levels, opinions of customers, changes, actions."""
