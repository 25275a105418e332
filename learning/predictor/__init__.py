"""Predicting how vocals and backing are mixed from how they sound: K. Li's network, a smaller one, and their rivals."""
