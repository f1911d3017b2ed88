"""CloudDL around its network: controls, search of its shape, quality gate and life cycle."""
