"""Subject ids: a number for each patient that a raw database names, the same on every machine and in every extract."""

import hashlib


def subject_number(patient_key: str) -> int:
    """A positive 63-bit subject id from a text key: a BLAKE2 hash, the same on every machine and in every extract."""
    return int.from_bytes(hashlib.blake2b(patient_key.encode(), digest_size=8).digest()) >> 1
