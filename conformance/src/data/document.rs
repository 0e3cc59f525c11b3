//! A document in the manner of PDF: descriptions of pages in plain words, and pictures that are compressed already.

use super::dice::Dice;

const LEN: usize = 1_042_328;

const TAIL: &str = "trailer\n<< /Root 1 0 R >>\n%%EOF\n";

pub(super) fn make() -> Vec<u8> {
    let mut dice = Dice::new(5);
    let mut bytes = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n".to_vec();
    for number in 3.. {
        let picture = dice.noise(9_000);
        let mut object =
            format!("{number} 0 obj\n<< /Type /Page /Parent 2 0 R /Contents [").into_bytes();
        for _ in 0..100 {
            let line = format!(
                "BT /F1 12 Tf {} {} Td (line {}) Tj ET\n",
                dice.below(600),
                dice.below(800),
                dice.below(1000),
            );
            object.extend(line.into_bytes());
        }
        object.extend(format!("] >>\nstream % {} bytes\n", picture.len()).into_bytes());
        object.extend(picture);
        object.extend(b"\nendstream\nendobj\n");
        if bytes.len() + object.len() + TAIL.len() > LEN {
            break;
        }
        bytes.extend(object);
    }
    bytes.resize(LEN - TAIL.len(), b'\n');
    bytes.extend(TAIL.as_bytes());
    bytes
}
