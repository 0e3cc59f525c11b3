//! permessage-deflate in the opening handshake (RFC 7692 7.1): what the suite offers, asks for, and agrees to.

/// What a case does about extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// The value of `Sec-WebSocket-Extensions` in the suite's request.
    pub offer: &'static str,
    /// What the suite asks of a client in its response, the most wanted first.
    pub wishes: &'static [Wish],
}

/// What the suite, as a server, asks a client to do when it compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// Without context takeover.
    pub client_no_context_takeover: bool,
    /// With a window of that many bits, which the client has to have offered.
    pub client_max_window_bits: Option<u8>,
}

impl Wish {
    /// Nothing.
    pub const NOTHING: Self = Self {
        client_no_context_takeover: false,
        client_max_window_bits: None,
    };

    /// That the client compresses each message by itself.
    pub const NO_TAKEOVER: Self = Self {
        client_no_context_takeover: true,
        client_max_window_bits: None,
    };

    /// And that it does so with a window of that many bits.
    #[must_use]
    pub const fn window(mut self, bits: u8) -> Self {
        self.client_max_window_bits = Some(bits);
        self
    }
}

/// What both ends agreed on.
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
            let bits = || match value.map(str::parse) {
                Some(Ok(bits @ 8..=15)) => Ok(bits),
                _ => Err(bad()),
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
}

impl Agreed {
    /// What a server's response agrees to; `None`: no compression.
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

    /// What the suite answers to a client's offers, and what that means; `None`: no offer will do.
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
        let agreed = Self {
            server_no_context_takeover: offer.server_no_context_takeover,
            client_no_context_takeover: wish.client_no_context_takeover,
            server_max_window_bits: offer.server_max_window_bits.unwrap_or(15),
            client_max_window_bits: wish.client_max_window_bits.unwrap_or(15),
        };
        let mut text = "permessage-deflate".to_owned();
        if agreed.server_no_context_takeover {
            text += "; server_no_context_takeover";
        }
        if let Some(bits) = offer.server_max_window_bits {
            text += &format!("; server_max_window_bits={bits}");
        }
        if agreed.client_no_context_takeover {
            text += "; client_no_context_takeover";
        }
        if let Some(bits) = wish.client_max_window_bits {
            text += &format!("; client_max_window_bits={bits}");
        }
        Ok(Some((agreed, text)))
    }
}
