"""Training sound that the project makes itself: sources, rooms, the body-worn microphone, and labelled scenes.

Everything is drawn from a `numpy.random.Generator` that the caller seeds; numpy alone is used, so the same seed
gives the same scene on every machine with the same numpy. It is a sketch of physics, not a recording: figures
measured on it are always called synthetic.
"""
