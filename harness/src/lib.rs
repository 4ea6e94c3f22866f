//! shakedown
