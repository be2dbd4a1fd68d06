"""Answering what a server elsewhere asks, from a machine that believes no word of it."""
