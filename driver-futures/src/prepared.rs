//! Prepared messages with a compressed form.

use driver_kit::lease::Lease;
use wsproto::Prepared;

/// Adds a compressed form to a prepared message, with the codecs of this thread; see
/// [`Prepared::compressed`].
///
/// ```
/// use wsproto::Prepared;
///
/// let news = driver_futures::compressed(Prepared::text(&"news ".repeat(100)), 6, 12);
/// assert_eq!(news.payload().len(), 500);
/// ```
#[must_use]
pub fn compressed(message: Prepared, level: u8, window_bits: u8) -> Prepared {
    let mut lease = Lease::take();
    message.compressed(&mut lease.env, level, window_bits)
}
