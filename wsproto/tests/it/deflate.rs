//! Compression (RFC 7692), with every backend that is built in.

#[cfg(any(feature = "deflate", feature = "zlib-rs"))]
mod foreign;
#[cfg(feature = "deflate")]
mod lending;
#[cfg(any(feature = "deflate", feature = "zlib-rs"))]
mod limits;
#[cfg(any(feature = "deflate", feature = "zlib-rs"))]
mod memory;
#[cfg(any(feature = "deflate", feature = "zlib-rs"))]
mod negotiation;
#[cfg(any(feature = "deflate", feature = "zlib-rs"))]
mod wire;

use wsproto::Env;

/// A backend: its name, and a function that makes an environment with it from a seed.
pub(crate) type Backend = (&'static str, fn(u64) -> Env);

/// Every backend that is built in.
pub(crate) const BACKENDS: &[Backend] = &[
    #[cfg(feature = "deflate")]
    ("miniz_oxide", |seed| {
        Env::with_codecs(testkit::Random(seed), wsproto::Miniz)
    }),
    #[cfg(feature = "zlib-rs")]
    ("zlib-rs", |seed| {
        Env::with_codecs(testkit::Random(seed), wsproto::ZlibRs::default())
    }),
];
