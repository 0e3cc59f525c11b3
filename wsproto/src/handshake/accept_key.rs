//! `Sec-WebSocket-Key`, and `Sec-WebSocket-Accept`, which proves that the server has received it (RFC 6455
//! 1.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// RFC 6455 section 1.3: the GUID that a server appends to the key before it hashes.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Returns the value of `Sec-WebSocket-Key` for a nonce.
pub(crate) fn encode_key(nonce: [u8; 16]) -> [u8; 24] {
    let mut key = [0; 24];
    encode(&nonce, &mut key);
    key
}

/// Returns the value of `Sec-WebSocket-Accept` for `key` (RFC 6455 section 4.2.2).
///
/// The key is hashed as it was sent, without decoding it.
pub(crate) fn accept_key(key: &[u8]) -> [u8; 28] {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; 28];
    encode(&hash, &mut accept);
    accept
}

/// Returns true if `key` is the base64 of 16 bytes: 22 characters and two of padding.
///
/// The last character has four unused bits, which may have any value: section 4.2.2 does not ask a server to
/// decode the key, and the example of section 4.1 has one of them set.
pub(super) fn is_key(key: &[u8]) -> bool {
    let Some((characters, b"==")) = key.split_last_chunk::<2>() else {
        return false;
    };
    characters.len() == 22
        && characters
            .iter()
            .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// Encodes `bytes` into `base64`, which must have the encoded length.
fn encode(bytes: &[u8], base64: &mut [u8]) {
    let written = STANDARD.encode_slice(bytes, base64);
    debug_assert!(written.is_ok(), "the arrays above have the encoded length");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        assert_eq!(
            accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="),
            *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            encode_key(*b"the sample nonce"),
            *b"dGhlIHNhbXBsZSBub25jZQ=="
        );
    }

    #[test]
    fn a_key_is_sixteen_bytes_of_base64() {
        for (key, good) in [
            (&b"dGhlIHNhbXBsZSBub25jZQ=="[..], true),
            (b"AQIDBAUGBwgJCgsMDQ4PEC==", true),
            (b"////////++++++++//////==", true),
            (b"", false),
            (b"x", false),
            (b"==", false),
            (b"dGhlIHNhbXBsZSBub25jZQ", false),
            (b"dGhlIHNhbXBsZSBub25jZQ=", false),
            (b"dGhlIHNhbXBsZSBub25jZQ===", false),
            (b"dGhlIHNhbXBsZSBub25jZVE=", false),
            (b"dGhlIHNhbXBsZSBub25jZVFR", false),
            (b"dGhlIHNhbXBsZSBub25jZ-==", false),
            (b"dGhlIHNhbXBs=SBub25jZQ==", false),
            (b"dGhlIHNh XBsZSBub25jZQ==", false),
            (b"dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==", false),
        ] {
            assert_eq!(is_key(key), good, "{}", key.escape_ascii());
        }
    }
}
