"""Where a recording is cut into clips: strategies propose, one combiner decides. Nothing is dropped."""
