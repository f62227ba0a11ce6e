"""SQL models in layers: staging, core, marts."""
