//! Every window and no context takeover, agreed on in either direction, kept to for real.

use super::{GROUP, compressed, echoes};
use crate::{
    case::{Event, Kind, Role, Script},
    cases::section::Section,
    data::VERSE,
    extension::{Offers, Wish},
};

/// Cases `server-window-*`: the window of the server's compressor.
pub(super) fn servers_windows() -> Section {
    let mut section = Section::new(GROUP, "server-window", None);
    for bits in 8..=15 {
        let wish = Wish {
            server_max_window_bits: Some(bits),
            ..Wish::NOTHING
        };
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        window(&mut section, "server", bits, &offer, wish);
    }
    section
}

/// Cases `client-window-*`: the window of the client's compressor.
pub(super) fn clients_windows() -> Section {
    let mut section = Section::new(GROUP, "client-window", None);
    for bits in 8..=15 {
        let offer = format!("permessage-deflate; client_max_window_bits={bits}");
        window(
            &mut section,
            "client",
            bits,
            &offer,
            Wish::NOTHING.window(bits),
        );
    }
    section
}

fn window(section: &mut Section, who: &str, bits: u8, offer: &str, wish: Wish) {
    section.add(
        bits,
        format!(
            "Has the {who} compress in a window of {bits} bits. Sends texts that repeat themselves from a \
             little within and a little beyond it."
        ),
        "They come back, and nothing refers back beyond the window.",
        agreed(offer, wish, &repetitive(bits)),
    );
}

/// Messages that a compressor refers back in, as far as its window lets it.
fn repetitive(bits: u8) -> Vec<Vec<u8>> {
    let size = 1 << bits;
    let within = VERSE.window(0, size - 20);
    let beyond = VERSE.window(60_000, size + 20);
    vec![
        within.repeat(2),
        beyond.repeat(2),
        beyond.to_vec(),
        within.to_vec(),
        within[..size / 2].repeat(3),
    ]
}

/// Sends messages under that offer, or under what the suite answers to a client if it wishes for that.
fn agreed(offer: &str, wish: Wish, messages: &[Vec<u8>]) -> Script {
    let steps = messages
        .iter()
        .map(|message| compressed(Kind::Binary, message.clone(), 0));
    let events = messages
        .iter()
        .map(|message| Event::binary(message.clone()));
    echoes(steps, events).offers(Offers::new(&[offer], &[wish]).to_the_letter())
}

/// Cases `no-takeover-*`: no context takeover.
pub(super) fn takeover() -> Section {
    let mut section = Section::new(GROUP, "no-takeover", None);
    let same = vec![VERSE.window(0, 3000).to_vec(); 3];
    for (name, who, offer, wish) in [
        (
            "server",
            "the server",
            "permessage-deflate; server_no_context_takeover",
            Wish {
                server_no_context_takeover: true,
                ..Wish::NOTHING
            },
        ),
        (
            "client",
            "the client",
            "permessage-deflate; client_no_context_takeover",
            Wish::NO_TAKEOVER,
        ),
        (
            "both",
            "each end",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            Wish {
                server_no_context_takeover: true,
                ..Wish::NO_TAKEOVER
            },
        ),
        (
            "both-window-9",
            "each end, in a window of 9 bits,",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=9; client_max_window_bits=9",
            Wish {
                server_no_context_takeover: true,
                server_max_window_bits: Some(9),
                ..Wish::NO_TAKEOVER.window(9)
            },
        ),
    ] {
        section.add(
            name,
            format!("Has {who} compress each message by itself. Sends the same one three times, empty ones between."),
            "They come back, and nothing refers to a message before.",
            {
                let empty = vec![Vec::new(); 3];
                let messages: Vec<_> = same.iter().cloned().zip(empty).flat_map(<[_; 2]>::from).collect();
                agreed(offer, wish, &messages)
            },
        );
    }
    let case = section.add(
        "client-only", "Offers that the server may keep its context, and its client none. Sends the same message three times.",
        "They come back.",
        agreed("permessage-deflate; client_no_context_takeover", Wish::NOTHING, &same),
    );
    case.role = Some(Role::Server);
    section
}
