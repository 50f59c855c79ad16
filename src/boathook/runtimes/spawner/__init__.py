"""The spawner: the small process beside each owner that starts containers and enters their namespaces.

It is single-threaded, uses the standard library alone, and forks; nothing that has an event loop or threads could do
that safely. ``main`` is its loop; ``boathook.runtimes.spawner_client`` speaks to it from the owner.
"""
