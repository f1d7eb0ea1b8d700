"""Networks: encoders by architecture, heads, and their assembly."""

from emotion_hpo.models.network import Network, build_network
from emotion_hpo.runtime.memory import keep_freed_memory

__all__ = ["Network", "build_network", "keep_freed_memory"]
