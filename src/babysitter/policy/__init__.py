"""Who must agree before something happens: rules, decisions, and what answers add up to."""
