"""The cache of a user is where the environment says, and what it lacks costs time alone."""

import os

import pytest

from mixprior.pipeline.store import user_cache
from mixprior.stats.errors import InputError


def test_a_user_without_a_home_is_told_to_name_a_cache_and_has_no_documents(monkeypatch):
    """As in a container whose user has a number and no entry in the list of users."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(InputError, match="set XDG_CACHE_HOME"):
        user_cache.folder()
    user_cache.write("kind", "name", {"a": 1})
    assert user_cache.read("kind", "name") is None
