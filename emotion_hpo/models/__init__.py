"""Networks: encoders by architecture, heads, and their assembly."""

from emotion_hpo.models.memory import keep_freed_memory
from emotion_hpo.models.network import Network, build_network

__all__ = ["Network", "build_network", "keep_freed_memory"]
