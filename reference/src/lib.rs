//! The standards to the letter, in code that is slow and simple: what the core's tests and the conformance suite
//! judge by.
//!
//! It shares nothing with what it judges, so that no mistake can hide on both sides. [`frame`] writes frames, legal
//! ones and others, and reads them. [`inflate::Judge`] knows how far back a compressed message refers, which
//! inflaters made for production do not tell; [`deflate::Blocks`] writes compressed messages block by block.

pub mod deflate;
pub mod frame;
pub mod inflate;
