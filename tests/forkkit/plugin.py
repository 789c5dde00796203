"""Fixtures for the tests of forks: `pytest_plugins = ("forkkit.plugin",)`."""

from __future__ import annotations

import pytest

from forkkit.workshop import Workshop

__all__ = ["workshop"]


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("forks"))
