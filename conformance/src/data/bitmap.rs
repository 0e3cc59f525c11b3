//! A bitmap of 512 times 512 shades of grey: soft shapes under noise, as a photograph is.

use super::dice::Dice;

const SIZE: u32 = 512;

/// Two headers and a palette come before the pixels.
const PIXELS_AT: u32 = 14 + 40 + 4 * 256;

pub(super) fn make() -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    let words = [PIXELS_AT + SIZE * SIZE, 0, PIXELS_AT, 40, SIZE, SIZE];
    bytes.extend(words.into_iter().flat_map(u32::to_le_bytes));
    // One plane, eight bits a pixel.
    bytes.extend([1, 0, 8, 0]);
    // Not compressed; the size follows from the rest; 72 dots an inch; all colours.
    let words = [0, 0, 2835, 2835, 256, 0];
    bytes.extend(words.into_iter().flat_map(u32::to_le_bytes));
    bytes.extend((0..=255).flat_map(|shade| [shade, shade, shade, 0]));

    let mut dice = Dice::new(2);
    for y in 0..SIZE {
        for x in 0..SIZE {
            let shape = (x / 4 + y / 8) % 80;
            let noise = dice.below(36) + dice.below(40);
            bytes.push((shape as u64 + noise) as u8);
        }
    }
    bytes
}
