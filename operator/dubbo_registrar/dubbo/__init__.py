"""The pure Dubbo layer: URLs, service keys, the names of the registry tree. No I/O, no clock, no third party."""
