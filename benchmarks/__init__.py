"""Commands that print ratios, both sides measured in turn in one run: times alone say more about the machine."""
