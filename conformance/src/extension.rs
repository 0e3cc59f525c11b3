//! permessage-deflate in the opening handshake (RFC 7692 7.1): what the suite offers, asks for, and agrees to.

/// The extensions of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    /// The values of `Sec-WebSocket-Extensions` in the suite's request, a header line each.
    pub lines: Vec<String>,
    /// The wishes that the suite has for its response to a client, the most wanted first.
    pub wishes: Vec<Wish>,
    /// How closely the subject is watched.
    pub measure: Measure,
    /// The verdict on a subject that does not agree to compress.
    pub without: Without,
}

/// The verdict on a subject that does not agree to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Without {
    /// It does not implement what the case is about.
    #[default]
    Unimplemented,
    /// It is right, and the case goes on.
    Right,
}

/// How closely a subject is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Measure {
    /// Like Autobahn: any response is right that can be obeyed, and any message that a usual
    /// library inflates.
    #[default]
    Autobahn,
    /// To the letter of RFC 7692: the response has to fit an offer, and no message may refer back beyond
    /// the window that was agreed on.
    Letter,
}

impl Offers {
    /// Offers that, and asks for the first of these that a client has offered.
    #[must_use]
    pub fn new(lines: &[&str], wishes: &[Wish]) -> Self {
        Self {
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            wishes: wishes.to_vec(),
            measure: Measure::Autobahn,
            without: Without::Unimplemented,
        }
    }

    /// Measures the subject by the letter of RFC 7692.
    #[must_use]
    pub fn to_the_letter(mut self) -> Self {
        self.measure = Measure::Letter;
        self
    }

    /// Makes it right not to agree to compress.
    #[must_use]
    pub fn declinable(mut self) -> Self {
        self.without = Without::Right;
        self
    }
}

/// A wish for the response of the suite, as a server. It grants the demands of the offer in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// The suite compresses each message by itself.
    pub server_no_context_takeover: bool,
    /// The suite compresses with a window of that many bits, or of fewer if the client wants that.
    pub server_max_window_bits: Option<u8>,
    /// The client has to compress each message by itself.
    pub client_no_context_takeover: bool,
    /// The client has to compress with a window of that many bits, or of fewer if it has offered that. It
    /// has to have offered something.
    pub client_max_window_bits: Option<u8>,
}

impl Wish {
    /// Nothing.
    pub const NOTHING: Self = Self {
        server_no_context_takeover: false,
        server_max_window_bits: None,
        client_no_context_takeover: false,
        client_max_window_bits: None,
    };

    /// Asks the client to compress each message by itself.
    pub const NO_TAKEOVER: Self = Self {
        client_no_context_takeover: true,
        ..Self::NOTHING
    };

    /// And that it does so with a window of that many bits.
    #[must_use]
    pub const fn window(mut self, bits: u8) -> Self {
        self.client_max_window_bits = Some(bits);
        self
    }
}

/// The parameters that both ends agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The server compresses each message by itself.
    pub server_no_context_takeover: bool,
    /// The client compresses each message by itself.
    pub client_no_context_takeover: bool,
    /// The window of the server's compressor, 8 to 15 bits.
    pub server_max_window_bits: u8,
    /// The window of the client's compressor, 8 to 15 bits.
    pub client_max_window_bits: u8,
}

/// Something in `Sec-WebSocket-Extensions` that cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadExtension(pub String);

/// One element of the header: a name and its parameters.
struct Element<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, Option<&'a str>)>,
}

/// The elements of a header; no extension here has quoted values with separators inside.
fn elements(header: &str) -> impl Iterator<Item = Element<'_>> {
    header.split(',').map(|element| {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let parameters = parts.map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (parameter, None),
        });
        Element {
            name,
            parameters: parameters.collect(),
        }
    })
}

/// The parameters of an element, each at most once.
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// `Some(None)`: named without a value.
    client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    fn parse(element: &Element<'_>) -> Result<Self, BadExtension> {
        let mut parameters = Self::default();
        for (at, (name, value)) in element.parameters.iter().enumerate() {
            let bad = || BadExtension(format!("{name}={}", value.unwrap_or_default()));
            if element.parameters[..at]
                .iter()
                .any(|(other, _)| other == name)
            {
                return Err(bad());
            }
            // 7.1.2.1: a decimal number without leading zeros.
            let bits = || {
                let is_value = |bits: &u8| Some(bits.to_string().as_str()) == *value;
                (8..=15).find(is_value).ok_or_else(bad)
            };
            match (*name, value) {
                ("server_no_context_takeover", None) => {
                    parameters.server_no_context_takeover = true;
                }
                ("client_no_context_takeover", None) => {
                    parameters.client_no_context_takeover = true;
                }
                ("server_max_window_bits", _) => parameters.server_max_window_bits = Some(bits()?),
                ("client_max_window_bits", None) => parameters.client_max_window_bits = Some(None),
                ("client_max_window_bits", Some(_)) => {
                    parameters.client_max_window_bits = Some(Some(bits()?));
                }
                _ => return Err(bad()),
            }
        }
        Ok(parameters)
    }

    /// Returns true if a server may answer an offer of these parameters with those (RFC 7692 7.1).
    fn allow(&self, answer: &Self) -> bool {
        let takeover = answer.server_no_context_takeover || !self.server_no_context_takeover;
        let server = match (self.server_max_window_bits, answer.server_max_window_bits) {
            (Some(most), Some(bits)) => bits <= most,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let client = match (self.client_max_window_bits, answer.client_max_window_bits) {
            (_, None) => true,
            (None, Some(_)) | (_, Some(None)) => false,
            (Some(most), Some(Some(bits))) => bits <= most.unwrap_or(15),
        };
        takeover && server && client
    }
}

impl Agreed {
    /// The parameters of a response without any.
    pub const DEFAULT: Self = Self {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        server_max_window_bits: 15,
        client_max_window_bits: 15,
    };

    /// The parameters that a server's response agrees to; `None`: no compression.
    ///
    /// # Errors
    ///
    /// If the response names another extension, or a parameter that is none.
    pub fn from_response(header: &str) -> Result<Option<Self>, BadExtension> {
        let mut agreed = None;
        for element in elements(header) {
            if element.name != "permessage-deflate" || agreed.is_some() {
                return Err(BadExtension(element.name.to_owned()));
            }
            let parameters = Parameters::parse(&element)?;
            if parameters.client_max_window_bits == Some(None) {
                return Err(BadExtension("client_max_window_bits".to_owned()));
            }
            agreed = Some(Self {
                server_no_context_takeover: parameters.server_no_context_takeover,
                client_no_context_takeover: parameters.client_no_context_takeover,
                server_max_window_bits: parameters.server_max_window_bits.unwrap_or(15),
                client_max_window_bits: parameters.client_max_window_bits.flatten().unwrap_or(15),
            });
        }
        Ok(agreed)
    }

    /// The parameters and the response of the suite to a client's offers; `None`: no offer is acceptable.
    ///
    /// # Errors
    ///
    /// If an offer of permessage-deflate has a parameter that is none.
    pub fn answer(header: &str, wishes: &[Wish]) -> Result<Option<(Self, String)>, BadExtension> {
        let mut offers = Vec::new();
        for element in elements(header) {
            if element.name == "permessage-deflate" {
                offers.push(Parameters::parse(&element)?);
            }
        }
        let chosen = wishes.iter().find_map(|wish| {
            let fits = |offer: &&Parameters| {
                wish.client_max_window_bits.is_none() || offer.client_max_window_bits.is_some()
            };
            Some((wish, offers.iter().find(fits)?))
        });
        let Some((wish, offer)) = chosen else {
            return Ok(None);
        };
        let at_most = |wished: Option<u8>, most: Option<u8>| match (wished, most) {
            (Some(wished), Some(most)) => Some(wished.min(most)),
            (wished, most) => wished.or(most),
        };
        let server = at_most(wish.server_max_window_bits, offer.server_max_window_bits);
        let client = wish
            .client_max_window_bits
            .and_then(|wished| at_most(Some(wished), offer.client_max_window_bits.flatten()));
        let agreed = Self {
            server_no_context_takeover: offer.server_no_context_takeover
                || wish.server_no_context_takeover,
            client_no_context_takeover: wish.client_no_context_takeover,
            server_max_window_bits: server.unwrap_or(15),
            client_max_window_bits: client.unwrap_or(15),
        };
        let mut text = "permessage-deflate".to_owned();
        if agreed.server_no_context_takeover {
            text += "; server_no_context_takeover";
        }
        if let Some(bits) = server {
            text += &format!("; server_max_window_bits={bits}");
        }
        if agreed.client_no_context_takeover {
            text += "; client_no_context_takeover";
        }
        if let Some(bits) = client {
            text += &format!("; client_max_window_bits={bits}");
        }
        Ok(Some((agreed, text)))
    }
}

/// Checks that a response fits one of the offers (RFC 7692 7.1).
///
/// # Errors
///
/// If it is not, is several, or has parameters that are none.
pub fn check_answer(offers: &str, response: &str) -> Result<(), BadExtension> {
    let bad = || BadExtension(response.to_owned());
    let mut answers = elements(response);
    let (Some(answer), None) = (answers.next(), answers.next()) else {
        return Err(bad());
    };
    let answered = Parameters::parse(&answer)?;
    let allowed = elements(offers).any(|offer| {
        let allows = |offered: Parameters| offered.allow(&answered);
        offer.name == answer.name && Parameters::parse(&offer).is_ok_and(allows)
    });
    if allowed { Ok(()) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_to_fit_an_offer_that_is_one() {
        for (offers, response, fits) in [
            ("permessage-deflate", "permessage-deflate", true),
            (
                "permessage-deflate",
                "permessage-deflate, permessage-deflate",
                false,
            ),
            (
                "permessage-deflate",
                "permessage-deflate; server_max_window_bits=10",
                true,
            ),
            (
                "permessage-deflate",
                "permessage-deflate; client_no_context_takeover",
                true,
            ),
            (
                "permessage-deflate",
                "permessage-deflate; client_max_window_bits=15",
                false,
            ),
            (
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; client_max_window_bits=8",
                true,
            ),
            (
                "permessage-deflate; client_max_window_bits=9",
                "permessage-deflate; client_max_window_bits=9",
                true,
            ),
            (
                "permessage-deflate; client_max_window_bits=9",
                "permessage-deflate; client_max_window_bits=10",
                false,
            ),
            (
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; client_max_window_bits",
                false,
            ),
            (
                "permessage-deflate; server_no_context_takeover",
                "permessage-deflate",
                false,
            ),
            (
                "permessage-deflate; server_max_window_bits=10",
                "permessage-deflate",
                false,
            ),
            (
                "permessage-deflate; server_max_window_bits=10",
                "permessage-deflate; server_max_window_bits=11",
                false,
            ),
            (
                "permessage-deflate; server_max_window_bits=10",
                "permessage-deflate; server_max_window_bits=\"9\"",
                true,
            ),
            ("permessage-deflate; nonsense", "permessage-deflate", false),
            (
                "permessage-deflate; nonsense, permessage-deflate",
                "permessage-deflate",
                true,
            ),
            ("x-other", "permessage-deflate", false),
            (
                "permessage-deflate",
                "permessage-deflate; server_max_window_bits=08",
                false,
            ),
            (
                "permessage-deflate",
                "permessage-deflate; server_max_window_bits=7",
                false,
            ),
            (
                "permessage-deflate",
                "permessage-deflate; server_max_window_bits=+9",
                false,
            ),
            (
                "permessage-deflate",
                "permessage-deflate; server_max_window_bits",
                false,
            ),
            (
                "permessage-deflate",
                "permessage-deflate; server_no_context_takeover=1",
                false,
            ),
        ] {
            assert_eq!(
                check_answer(offers, response).is_ok(),
                fits,
                "{offers} -> {response}"
            );
        }
    }

    #[test]
    fn the_suite_answers_what_was_offered_and_what_it_wishes() {
        let nine = Wish {
            server_no_context_takeover: true,
            server_max_window_bits: Some(11),
            ..Wish::NO_TAKEOVER.window(9)
        };
        for (offers, wishes, expected) in [
            (
                "permessage-deflate",
                &[Wish::NOTHING][..],
                Some("permessage-deflate"),
            ),
            ("permessage-deflate", &[nine], None),
            (
                "permessage-deflate, permessage-deflate; client_max_window_bits; server_max_window_bits=10",
                &[nine],
                Some(
                    "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
                     client_no_context_takeover; client_max_window_bits=9",
                ),
            ),
            (
                "permessage-deflate; client_max_window_bits=8",
                &[nine, Wish::NOTHING],
                Some(
                    "permessage-deflate; server_no_context_takeover; server_max_window_bits=11; \
                     client_no_context_takeover; client_max_window_bits=8",
                ),
            ),
            ("x-other", &[Wish::NOTHING], None),
        ] {
            let answer = Agreed::answer(offers, wishes)
                .unwrap()
                .map(|(_, text)| text);
            assert_eq!(answer.as_deref(), expected, "{offers}");
            if let Some(answer) = answer {
                assert_eq!(check_answer(offers, &answer), Ok(()));
            }
        }
    }
}
