//! Numbers of bytes on the command line: plain, or in KiB, MiB and GiB.

/// Reads a size.
///
/// # Errors
///
/// If it is none. The text says what one looks like.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text[digits.len()..].trim();
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err(format!("{unit:?} is no unit: use KiB, MiB or GiB")),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "a size is a number of bytes, such as 65536, 64KiB or 16MiB".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "more bytes than there are".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_and_optional() {
        let sizes = [
            ("0", 0),
            ("65536", 65536),
            ("64KiB", 64 << 10),
            ("64 kib", 64 << 10),
            ("16M", 16 << 20),
            ("2GiB", 2 << 30),
        ];
        for (text, bytes) in sizes {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "-1", "1.5MiB", "16MB", "18446744073709551615KiB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
