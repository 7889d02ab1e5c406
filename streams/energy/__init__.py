"""Energy of charging: registers of meters to amounts, windows of surplus, and the reward of each session. Pure."""
