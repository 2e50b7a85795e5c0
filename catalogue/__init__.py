"""Warning models: what fires, when, on whom, and in which words. One YAML file each under `models/<scene>/`."""
