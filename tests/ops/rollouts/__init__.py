"""Rollouts in processes as production runs them."""
