"""The core of the framework, one file a chapter, in reading order. It starts with `tensor`."""
