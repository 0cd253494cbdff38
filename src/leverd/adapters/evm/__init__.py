"""EVM chains: one client, codecs without I/O, a signer, and the venue built of them."""
