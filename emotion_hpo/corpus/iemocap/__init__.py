"""IEMOCAP's release, as unpacked."""
