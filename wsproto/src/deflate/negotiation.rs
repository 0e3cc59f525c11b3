//! Negotiation of permessage-deflate (RFC 7692 7.1): offers and answers as pure functions, in both roles.

use alloc::{format, string::String};

use super::policy::Compression;
use crate::extensions::{Extension, Parameter};

/// The extension's name.
pub(crate) const NAME: &str = "permessage-deflate";

/// The largest window, which is also the default if an offer or answer does not limit it (RFC 7692 7.1.2).
const MAX_WINDOW_BITS: u8 = 15;

/// The parameters that both ends agreed on, from the point of view of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) send_window_bits: u8,
    pub(crate) receive_window_bits: u8,
    pub(crate) send_takeover: bool,
    pub(crate) receive_takeover: bool,
}

/// The parameters of one offer or answer, which have the same names in both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ExtensionParameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// `Some(None)` if it was given without a value.
    client_max_window_bits: Option<Option<u8>>,
}

impl ExtensionParameters {
    /// Parses the parameters. 7.1: unknown parameters, repeated ones and invalid values make it unacceptable.
    fn parse(extension: &Extension<'_>) -> Option<Self> {
        let mut named = Self::default();
        for Parameter { name, value } in extension.parameters() {
            let value = value.as_deref();
            let new = match name {
                "server_no_context_takeover" if value.is_none() => {
                    !core::mem::replace(&mut named.server_no_context_takeover, true)
                }
                "client_no_context_takeover" if value.is_none() => {
                    !core::mem::replace(&mut named.client_no_context_takeover, true)
                }
                "server_max_window_bits" => named
                    .server_max_window_bits
                    .replace(window_bits(value?)?)
                    .is_none(),
                "client_max_window_bits" => {
                    let bits = match value {
                        Some(value) => Some(window_bits(value)?),
                        None => None,
                    };
                    named.client_max_window_bits.replace(bits).is_none()
                }
                _ => return None,
            };
            if !new {
                return None;
            }
        }
        Some(named)
    }
}

/// Parses a window size. 7.1.2: a decimal number from 8 to 15, without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        "10" => Some(10),
        "11" => Some(11),
        "12" => Some(12),
        "13" => Some(13),
        "14" => Some(14),
        "15" => Some(15),
        _ => None,
    }
}

/// Returns a client's offer.
pub(crate) fn offer(policy: &Compression) -> String {
    let policy = policy.within_bounds();
    let mut offer = String::from(NAME);
    if !policy.receive_takeover {
        offer.push_str("; server_no_context_takeover");
    }
    if policy.receive_window_bits < MAX_WINDOW_BITS {
        offer += &format!("; server_max_window_bits={}", policy.receive_window_bits);
    }
    if !policy.send_takeover {
        offer.push_str("; client_no_context_takeover");
    }
    // 7.1.2.2: allows the server to limit our window. We may use a smaller one without saying so.
    offer.push_str("; client_max_window_bits");
    offer
}

/// Returns a server's choice among the offers: the first that is acceptable, independently of its policy.
pub(crate) fn choose<'a>(
    offers: impl Iterator<Item = Extension<'a>>,
) -> Option<ExtensionParameters> {
    offers
        .filter(|offer| offer.name().eq_ignore_ascii_case(NAME))
        .find_map(|offer| ExtensionParameters::parse(&offer))
}

/// Returns a server's answer to the offer that it chose.
pub(crate) fn answer(policy: &Compression, offer: ExtensionParameters) -> (Parameters, String) {
    let policy = policy.within_bounds();
    let send_window_bits = policy
        .send_window_bits
        .min(offer.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS));
    let send_takeover = policy.send_takeover && !offer.server_no_context_takeover;
    // 7.1.2.2: a server may limit the client's window only if the client offers that.
    let offered = offer
        .client_max_window_bits
        .map(|bits| bits.unwrap_or(MAX_WINDOW_BITS));
    // If the client's window is larger than we want to keep for a connection, none is kept.
    let receive_takeover = policy.receive_takeover
        && !offer.client_no_context_takeover
        && (offered.is_some() || policy.receive_window_bits == MAX_WINDOW_BITS);
    let wanted = if receive_takeover {
        policy.preferred_receive_window_bits
    } else {
        policy.receive_window_bits
    };
    let receive_window_bits = offered.map_or(MAX_WINDOW_BITS, |bits| bits.min(wanted));
    let mut answer = String::from(NAME);
    // 7.1.1.1, 7.1.2.1: the client's demands are confirmed, and restrictions of our own are stated.
    if !send_takeover {
        answer.push_str("; server_no_context_takeover");
    }
    if offer.server_max_window_bits.is_some() || send_window_bits < MAX_WINDOW_BITS {
        answer += &format!("; server_max_window_bits={send_window_bits}");
    }
    if !receive_takeover {
        answer.push_str("; client_no_context_takeover");
    }
    // 7.1.2.2: allowed only if the offer has it, and never above its value.
    if offered.is_some() && receive_window_bits < MAX_WINDOW_BITS {
        answer += &format!("; client_max_window_bits={receive_window_bits}");
    }
    let parameters = Parameters {
        send_window_bits,
        receive_window_bits,
        send_takeover,
        receive_takeover,
    };
    (parameters, answer)
}

/// The error for a server's answer that does not fit the client's offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IllegalAnswer;

/// Checks the server's answer to a client's [`offer`]. Returns `None` if the server declined.
///
/// 7.1: a client must fail the connection if the answer does not fit its offer.
pub(crate) fn check<'a>(
    policy: &Compression,
    answers: impl Iterator<Item = Extension<'a>>,
) -> Result<Option<Parameters>, IllegalAnswer> {
    let policy = policy.within_bounds();
    let mut answers = answers.filter(|answer| answer.name().eq_ignore_ascii_case(NAME));
    let Some(answer) = answers.next() else {
        return Ok(None);
    };
    if answers.next().is_some() {
        return Err(IllegalAnswer);
    }
    let answer = ExtensionParameters::parse(&answer).ok_or(IllegalAnswer)?;
    let send_window_bits = match answer.client_max_window_bits {
        None => policy.send_window_bits,
        // 7.1.2.2: in an answer the value is required.
        Some(None) => return Err(IllegalAnswer),
        Some(Some(bits)) => bits.min(policy.send_window_bits),
    };
    let receive_window_bits = match answer.server_max_window_bits {
        None if policy.receive_window_bits < MAX_WINDOW_BITS => return Err(IllegalAnswer),
        None => MAX_WINDOW_BITS,
        Some(bits) if bits > policy.receive_window_bits => return Err(IllegalAnswer),
        Some(bits) => bits,
    };
    if !policy.receive_takeover && !answer.server_no_context_takeover {
        return Err(IllegalAnswer);
    }
    Ok(Some(Parameters {
        send_window_bits,
        receive_window_bits,
        send_takeover: policy.send_takeover && !answer.client_no_context_takeover,
        receive_takeover: !answer.server_no_context_takeover,
    }))
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;
    use crate::extensions::parse_extensions;

    fn parameters(
        send: u8,
        send_takeover: bool,
        receive: u8,
        receive_takeover: bool,
    ) -> Parameters {
        Parameters {
            send_window_bits: send,
            receive_window_bits: receive,
            send_takeover,
            receive_takeover,
        }
    }

    fn policy(send: u8, send_takeover: bool, receive: u8, receive_takeover: bool) -> Compression {
        Compression {
            send_window_bits: send,
            send_takeover,
            receive_window_bits: receive,
            preferred_receive_window_bits: receive,
            receive_takeover,
            ..Compression::default()
        }
    }

    fn preferring(bits: u8, policy: Compression) -> Compression {
        Compression {
            preferred_receive_window_bits: bits,
            ..policy
        }
    }

    fn answer_to(policy: &Compression, offers: &[&str]) -> Option<(Parameters, String)> {
        choose(parse_extensions(offers).into_iter()).map(|offer| answer(policy, offer))
    }

    #[test]
    fn a_server_answers_the_first_offer_that_it_understands() {
        let any = policy(15, true, 15, true);
        let full = parameters(15, true, 15, true);
        for (offers, parameters, expected) in [
            (&["permessage-deflate"][..], full, "permessage-deflate"),
            // The offer of browsers.
            (
                &["permessage-deflate; client_max_window_bits"],
                full,
                "permessage-deflate",
            ),
            (&["Permessage-Deflate"], full, "permessage-deflate"),
            (
                &["permessage-deflate; server_no_context_takeover"],
                parameters(15, false, 15, true),
                "permessage-deflate; server_no_context_takeover",
            ),
            (
                &["permessage-deflate; client_no_context_takeover"],
                parameters(15, true, 15, false),
                "permessage-deflate; client_no_context_takeover",
            ),
            (
                &["permessage-deflate; server_max_window_bits=9"],
                parameters(9, true, 15, true),
                "permessage-deflate; server_max_window_bits=9",
            ),
            (
                // Confirmed even if it changes nothing.
                &["permessage-deflate; server_max_window_bits=15"],
                full,
                "permessage-deflate; server_max_window_bits=15",
            ),
            (
                &["permessage-deflate; client_max_window_bits=\"10\""],
                parameters(15, true, 10, true),
                "permessage-deflate; client_max_window_bits=10",
            ),
            // Other extensions, unknown parameters, bad and repeated values: the next one is tried.
            (
                &["x-other; a=1, permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &["permessage-deflate; x", "permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &["permessage-deflate; server_max_window_bits, permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &["permessage-deflate; server_max_window_bits=7, permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &["permessage-deflate; server_max_window_bits=16, permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &["permessage-deflate; server_max_window_bits=09, permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &["permessage-deflate; server_max_window_bits=+9, permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &[
                    "permessage-deflate; client_max_window_bits=8; client_max_window_bits=8",
                    "permessage-deflate",
                ],
                full,
                "permessage-deflate",
            ),
            (
                &["permessage-deflate; server_no_context_takeover=1, permessage-deflate"],
                full,
                "permessage-deflate",
            ),
            (
                &[
                    "permessage-deflate; client_no_context_takeover; client_no_context_takeover, permessage-deflate",
                ],
                full,
                "permessage-deflate",
            ),
            (
                &[
                    "permessage-deflate; client_max_window_bits; server_no_context_takeover; server_max_window_bits=9, permessage-deflate",
                ],
                parameters(9, false, 15, true),
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
            ),
        ] {
            assert_eq!(
                answer_to(&any, offers),
                Some((parameters, expected.to_string())),
                "{offers:?}"
            );
        }
        for offers in [
            &[][..],
            &["x-other"],
            &["permessage-deflate; unknown"],
            &["permessage-deflate; server_max_window_bits=x"],
        ] {
            assert_eq!(answer_to(&any, offers), None, "{offers:?}");
        }
    }

    #[test]
    fn a_server_keeps_to_its_own_policy_and_never_answers_more_than_was_offered() {
        for (policy, offer, parameters, expected) in [
            (
                policy(10, true, 15, true),
                "permessage-deflate",
                parameters(10, true, 15, true),
                "permessage-deflate; server_max_window_bits=10",
            ),
            (
                policy(12, true, 15, true),
                "permessage-deflate; server_max_window_bits=10",
                parameters(10, true, 15, true),
                "permessage-deflate; server_max_window_bits=10",
            ),
            (
                policy(15, false, 15, false),
                "permessage-deflate",
                parameters(15, false, 15, false),
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            ),
            (
                policy(15, true, 11, true),
                "permessage-deflate; client_max_window_bits",
                parameters(15, true, 11, true),
                "permessage-deflate; client_max_window_bits=11",
            ),
            (
                policy(15, true, 11, true),
                "permessage-deflate; client_max_window_bits=9",
                parameters(15, true, 9, true),
                "permessage-deflate; client_max_window_bits=9",
            ),
            (
                // The client's window cannot be limited, so nothing is kept between its messages.
                policy(15, true, 11, true),
                "permessage-deflate",
                parameters(15, true, 15, false),
                "permessage-deflate; client_no_context_takeover",
            ),
            (
                preferring(12, policy(15, true, 15, true)),
                "permessage-deflate; client_max_window_bits",
                parameters(15, true, 12, true),
                "permessage-deflate; client_max_window_bits=12",
            ),
            (
                preferring(12, policy(15, true, 15, true)),
                "permessage-deflate; client_max_window_bits=10",
                parameters(15, true, 10, true),
                "permessage-deflate; client_max_window_bits=10",
            ),
            (
                // A client whose window cannot be limited keeps context takeover.
                preferring(12, policy(15, true, 15, true)),
                "permessage-deflate",
                parameters(15, true, 15, true),
                "permessage-deflate",
            ),
            (
                // A required limit takes precedence over a preferred one.
                preferring(12, policy(15, true, 11, true)),
                "permessage-deflate; client_max_window_bits",
                parameters(15, true, 11, true),
                "permessage-deflate; client_max_window_bits=11",
            ),
            (
                // Nothing is kept, so nothing would be saved.
                preferring(12, policy(15, true, 15, false)),
                "permessage-deflate; client_max_window_bits",
                parameters(15, true, 15, false),
                "permessage-deflate; client_no_context_takeover",
            ),
            (
                preferring(12, policy(15, true, 15, true)),
                "permessage-deflate; client_no_context_takeover; client_max_window_bits",
                parameters(15, true, 15, false),
                "permessage-deflate; client_no_context_takeover",
            ),
        ] {
            assert_eq!(
                answer_to(&policy, &[offer]),
                Some((parameters, expected.to_string())),
                "{offer}"
            );
        }
    }

    #[test]
    fn a_client_offers_what_it_wants() {
        for (policy, expected) in [
            (
                policy(15, true, 15, true),
                "permessage-deflate; client_max_window_bits",
            ),
            (
                policy(10, true, 15, true),
                "permessage-deflate; client_max_window_bits",
            ),
            (
                // Some servers would ignore it.
                preferring(10, policy(15, true, 15, true)),
                "permessage-deflate; client_max_window_bits",
            ),
            (
                policy(15, false, 9, false),
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; \
                 client_no_context_takeover; client_max_window_bits",
            ),
        ] {
            assert_eq!(offer(&policy), expected);
        }
    }

    #[test]
    fn a_client_checks_that_the_answer_fits_its_offer() {
        let any = policy(15, true, 15, true);
        let narrow = policy(10, true, 10, true);
        let forgetful = policy(15, true, 15, false);
        for (policy, answers, expected) in [
            (any, "", Ok(None)),
            (
                any,
                "permessage-deflate",
                Ok(Some(parameters(15, true, 15, true))),
            ),
            (
                any,
                "permessage-deflate; server_max_window_bits=9",
                Ok(Some(parameters(15, true, 9, true))),
            ),
            (
                any,
                "permessage-deflate; client_max_window_bits=9",
                Ok(Some(parameters(9, true, 15, true))),
            ),
            (
                any,
                "permessage-deflate; client_no_context_takeover",
                Ok(Some(parameters(15, false, 15, true))),
            ),
            (
                any,
                "permessage-deflate; server_no_context_takeover",
                Ok(Some(parameters(15, true, 15, false))),
            ),
            (
                any,
                "permessage-deflate; client_max_window_bits",
                Err(IllegalAnswer),
            ),
            (
                any,
                "permessage-deflate; client_max_window_bits=16",
                Err(IllegalAnswer),
            ),
            (any, "permessage-deflate; unknown", Err(IllegalAnswer)),
            (
                any,
                "permessage-deflate, permessage-deflate",
                Err(IllegalAnswer),
            ),
            (narrow, "permessage-deflate", Err(IllegalAnswer)),
            (
                narrow,
                "permessage-deflate; server_max_window_bits=11",
                Err(IllegalAnswer),
            ),
            (
                narrow,
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11",
                Ok(Some(parameters(10, true, 10, true))),
            ),
            (
                narrow,
                "permessage-deflate; server_max_window_bits=8",
                Ok(Some(parameters(10, true, 8, true))),
            ),
            (forgetful, "permessage-deflate", Err(IllegalAnswer)),
            (
                forgetful,
                "permessage-deflate; server_no_context_takeover",
                Ok(Some(parameters(15, true, 15, false))),
            ),
        ] {
            assert_eq!(
                check(&policy, parse_extensions(&[answers]).into_iter()),
                expected,
                "{answers}"
            );
        }
    }

    #[test]
    fn the_two_ends_agree_whatever_their_policies() {
        let all: Vec<_> = [8, 9, 12, 15]
            .into_iter()
            .flat_map(|send| [8, 11, 15].map(|receive| (send, receive)))
            .flat_map(|(s, r)| {
                [(true, true), (true, false), (false, true), (false, false)]
                    .map(|(st, rt)| policy(s, st, r, rt))
            })
            .flat_map(|policy| [policy, preferring(10, policy)])
            .collect();
        for client in &all {
            let offer = offer(client);
            for server in &all {
                let (ours, answer) =
                    answer_to(server, &[&offer]).expect("our own offer is understood");
                let theirs = check(client, parse_extensions(&[&answer]).into_iter())
                    .expect(&answer)
                    .expect(&answer);
                assert_eq!(
                    ours.send_window_bits, theirs.receive_window_bits,
                    "{offer} -> {answer}"
                );
                assert!(
                    ours.receive_window_bits >= theirs.send_window_bits,
                    "{offer} -> {answer}"
                );
                // A receiver may keep what a sender does not use, but not the other way round.
                assert!(
                    ours.receive_takeover || !theirs.send_takeover,
                    "{offer} -> {answer}"
                );
                assert!(
                    theirs.receive_takeover || !ours.send_takeover,
                    "{offer} -> {answer}"
                );
                assert!(
                    !ours.receive_takeover
                        || ours.receive_window_bits <= server.receive_window_bits
                );
            }
        }
    }
}
