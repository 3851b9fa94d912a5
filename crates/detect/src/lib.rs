//! Detectors over Calls, in event time.
