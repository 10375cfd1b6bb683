"""pydicom's unique ids."""

DigitalXRayImageStorageForPresentation: str
ExplicitVRLittleEndian: str
