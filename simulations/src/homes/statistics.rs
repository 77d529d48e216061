//! Figures by which profiles are compared: made-up homes beside real ones. See `docs/simulations.md`.
