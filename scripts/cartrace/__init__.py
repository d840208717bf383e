"""The science of cartrace: pure functions from what the lab has to what the lab needs."""
