"""The reference detector: hears firearms and what is mistaken for them in the sound of a video.

It ships with every release, so that a partner sees what the data can do and has a floor to beat. Nothing of
the server is imported here: a partner installs the `detector` extra alone. Inference needs numpy and
onnxruntime; only `model` and `train` load torch.
"""
