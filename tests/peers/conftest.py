"""Fixtures of the comparisons with the real Docker Compose on an engine."""

from __future__ import annotations

import pytest

from tests.peers.docker import TestEngine


@pytest.fixture(scope="session")
def engine_with_images(started_engine: TestEngine) -> TestEngine:
    """The engine with a second image, which has something of all that an image can say."""
    started_engine.import_image(
        "boathook.test/data:1",
        "VOLUME /data",
        "USER nobody",
        "WORKDIR /tmp",
        "ENV FROM_IMAGE=yes",
        'ENTRYPOINT ["sh"]',
        "HEALTHCHECK --interval=200ms CMD true",
        "LABEL image=yes",
        "EXPOSE 7000",
    )
    return started_engine
