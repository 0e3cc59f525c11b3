//! Sends the suite's half, in pieces if so wanted, together with the frames that go with it.

use std::time::Duration;

use super::{Manner, Opening, Place, draft::bytes};
use crate::{case::Cuts, script, session::Session, subject::Facts};

/// How long the pieces of a cut are apart: enough to be read one by one.
const MOMENT: Duration = Duration::from_millis(5);

/// The time for which a subject waits if that is not known.
const OPENING_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends head and early data, and ends the direction of the suite if that belongs to it.
pub(super) fn send(opening: &Opening, head: &str, session: &mut Session, facts: &Facts) {
    session.hold();
    for step in &opening.early {
        script::take(step, &opening.script, session);
    }
    let early = session.release();
    let head = bytes(head);
    let all = [&head, &*opening.behind.bytes(), &early].concat();
    let (cuts, pause) = match opening.manner {
        Manner::Whole => (Cuts::Every(all.len()), Duration::ZERO),
        Manner::Chopped(size) => (Cuts::Every(size), Duration::ZERO),
        Manner::Cut(place) => (Cuts::Behind(vec![place.within(head.len())]), MOMENT),
        Manner::Trickled(pieces) => {
            let timeout = facts.opening_timeout.unwrap_or(OPENING_TIMEOUT);
            let size = all.len().div_ceil(pieces);
            (Cuts::Every(size), 2 * timeout / pieces as u32)
        }
    };
    for piece in script::pieces(&all, &cuts) {
        if !session.send(piece) {
            break;
        }
        if !pause.is_zero() {
            session.listen(pause);
        }
    }
    if opening.finishes {
        session.finish();
    }
}

impl Place {
    /// How many bytes come before it, if the head has that many.
    fn within(self, head: usize) -> usize {
        match self {
            Self::Start(bytes) => bytes,
            Self::BeforeEnd(bytes) => head.saturating_sub(bytes),
            Self::BehindHead(bytes) => head + bytes,
        }
    }
}
