//! Masking and unmasking (RFC 6455 5.3), which are the same XOR.

use alloc::vec::Vec;

/// The key that changes nothing. With it, unmasked payloads take the same code paths as masked ones.
pub(crate) const NONE: [u8; 4] = [0; 4];

/// Number of bytes that are masked at a time: eight 128-bit vectors.
const BLOCK: usize = 128;

/// XORs `data` with `key`, whose first byte belongs to the first byte of `data`.
#[inline]
pub(crate) fn apply(data: &mut [u8], key: [u8; 4]) {
    if key == NONE {
        return;
    }
    // XOR over arrays of fixed size compiles to vector instructions without unsafe code.
    let (blocks, rest) = data.as_chunks_mut::<BLOCK>();
    for block in blocks {
        *block = masked(*block, key);
    }
    let (blocks, rest) = rest.as_chunks_mut::<16>();
    for block in blocks {
        *block = masked(*block, key);
    }
    let (words, tail) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = masked(*word, key);
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// Returns `block` masked. `N` is at most [`BLOCK`].
#[inline]
fn masked<const N: usize>(mut block: [u8; N], key: [u8; 4]) -> [u8; N] {
    let wide = [key; BLOCK / 4];
    for (byte, key) in block.iter_mut().zip(wide.as_flattened()) {
        *byte ^= key;
    }
    block
}

/// Returns the key for the bytes that follow the first `done` masked bytes.
#[inline]
pub(crate) fn rotated(key: [u8; 4], done: usize) -> [u8; 4] {
    core::array::from_fn(|i| key[done.wrapping_add(i) & 3])
}

/// Appends `data` to `out` and masks it in the same pass.
#[inline]
pub(crate) fn append(out: &mut Vec<u8>, data: &[u8], key: [u8; 4]) {
    if key == NONE {
        out.extend_from_slice(data);
        return;
    }
    let (blocks, rest) = data.as_chunks::<BLOCK>();
    for block in blocks {
        out.extend_from_slice(&masked(*block, key));
    }
    let (blocks, rest) = rest.as_chunks::<16>();
    for block in blocks {
        out.extend_from_slice(&masked(*block, key));
    }
    let start = out.len();
    out.extend_from_slice(rest);
    apply(&mut out[start..], key);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The algorithm of RFC 6455 5.3 as it is written, which the fast path is compared with.
    fn naive(data: &mut [u8], key: [u8; 4]) {
        for (i, byte) in data.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_rfc(data: Vec<u8>, key: [u8; 4], skip in 0_usize..9) {
            let (mut fast, mut slow) = (data.clone(), data);
            let skip = skip.min(fast.len());
            apply(&mut fast[skip..], key);
            naive(&mut slow[skip..], key);
            prop_assert_eq!(fast, slow);
        }

        #[test]
        fn cut_anywhere_gives_the_same(data in proptest::collection::vec(any::<u8>(), 0..300), key: [u8; 4], cut: usize) {
            let cut = cut.checked_rem(data.len()).unwrap_or(0);
            let (mut whole, mut parts) = (data.clone(), data);
            apply(&mut whole, key);
            apply(&mut parts[..cut], key);
            apply(&mut parts[cut..], rotated(key, cut));
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn appending_masks_only_what_is_appended(len in 0_usize..9000, key: [u8; 4]) {
            let data: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut expected = data.clone();
            naive(&mut expected, key);
            let mut out = b"before".to_vec();
            append(&mut out, &data, key);
            prop_assert_eq!(&out[..6], b"before");
            prop_assert_eq!(&out[6..], expected);
        }
    }
}
