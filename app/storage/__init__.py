"""Where footage rests: blob stores (local disk, S3) and the envelope that encrypts everything put into them."""
