"""A cluster in good order, for each test."""

from collections.abc import Iterator

import pytest

from tests.support.servers.galera_cluster import GaleraCluster
from verification.galera.nodes import Nodes


@pytest.fixture
def nodes(galera_cluster: GaleraCluster, transactional_db: None) -> Iterator[Nodes]:
    """The nodes, which all take part in the cluster again when the test is over."""
    del transactional_db
    cluster_nodes = Nodes(galera_cluster)
    yield cluster_nodes
    cluster_nodes.restore()
