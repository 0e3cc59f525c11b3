//! One end of a WebSocket connection: its state, and the rules by which it changes.
//!
//! # States
//!
//! ```text
//!  Opening ───► Open ───► Closing ───► Ending ───► Over
//!     │          └────────────────────►▲           ▲
//!     ├────────────────────────────────┘           │
//!     └── Opening, Open, Closing ──────────────────┘
//! ```
//!
//! | from | to | on |
//! |---|---|---|
//! | | `Opening` | `accepting`, `connecting`; `upgraded` begins in `Open` |
//! | `Opening` | `Opening` | a request is shown to the application: the opening timeout starts anew |
//! | `Opening` | `Open` | a 101 response is queued (server) or received (client) |
//! | `Opening` | `Ending` | server: `reject`, a refused request, opening timeout, `close` while a request awaits its answer |
//! | | | client: a response other than 101, an invalid response |
//! | | | both: end of the stream |
//! | `Opening` | `Over` | `close` otherwise; client: opening timeout |
//! | `Open` | `Closing` | `close`, maximum lifetime, idle timeout, [`Overflow::Close`](crate::Overflow::Close) |
//! | `Open`, `Closing` | `Ending` | the peer's Close, a violation, a limit, end of the stream; `Open`: no pong |
//! | `Open`, `Closing` | `Over` | write timeout; `Closing`: close timeout |
//! | `Ending` | `Over` | close timeout, write timeout, transport lost and at the end of its stream |
//!
//! | phase | received | sent | ends at the latest after |
//! |---|---|---|---|
//! | `Opening` | the head of the peer's handshake | the head of our own | `opening_timeout`, which starts anew when a request is shown |
//! | `Open` | messages, control frames | the same | `max_lifetime` |
//! | `Closing` | the same, up to the peer's Close | what was queued, our Close last | `close_timeout` without a byte sent |
//! | `Ending` | bytes, which are dropped (RFC 6455 7.1.1) | what is queued; then the writing side is shut | `close_timeout` without a byte sent |
//! | `Over` | nothing | nothing | |
//!
//! [`Connection::enter`] is the only place where the phase changes. A connection whose transport is lost
//! skips `Ending`. An orderly end does not leave `Ending`: once everything is sent and the peer has ended its
//! side, [`Wants::done`] tells the driver to drop the transport.
//!
//! # Order of calls
//!
//! A turn of a driver calls, on one connection:
//!
//! 1. [`Env::set_now`], then [`handle_timeout`](Connection::handle_timeout) if a deadline has passed;
//! 2. after a read, [`Input::filled`](crate::Input::filled) or [`handle_eof`](Connection::handle_eof);
//! 3. [`next_event`](Connection::next_event) until it returns `Ok(None)` or an error;
//! 4. [`outgoing`](Connection::outgoing), and after a write [`sent`](Connection::sent) or
//!    [`handle_lost`](Connection::handle_lost);
//! 5. [`wants`](Connection::wants): what to wait for, and whether to begin again at 3.
//!
//! Some calls come only once: the answer to a request ([`accept`](Connection::accept) or
//! [`reject`](Connection::reject); afterwards both return [`SendError::NoRequest`]) and
//! [`close`](Connection::close) (a second call does nothing). [`start`](Connection::start) comes once before
//! each [`finish`](Connection::finish). After [`has_event`](Connection::has_event) has returned true, the event is
//! taken next. Each written byte is reported to `sent` once. Everything else may be called in any order and any
//! number of times.
//!
//! # Files
//!
//! | file | |
//! |---|---|
//! | `events` | `next_event`: the order in which input, notices and the end of the transport are reported |
//! | `opening` | the opening handshake |
//! | `receive`, `fast_path`, `inflate` | incoming frames, messages, control frames, compressed messages |
//! | `send` | admission; outgoing messages and control frames |
//! | `closing` | the closing handshake, failures, the end of a connection |
//! | `deadlines` | all deadlines |
//! | `driving` | `wants`, the outgoing bytes, backpressure |
//! | `reassembly`, `timers`, `wants` | types that do not depend on the other parts of the connection |

mod closing;
mod deadlines;
mod driving;
mod events;
mod fast_path;
mod inflate;
mod opening;
mod reassembly;
mod receive;
mod send;
mod timers;
mod wants;

use alloc::{boxed::Box, sync::Arc};

use crate::{
    config::Config,
    deflate::{Deflate, negotiation::Parameters},
    env::Env,
    error::{Deadline, SendError},
    event::Kind,
    handshake::{Agreed, Opening},
    partial::Partial,
    queue::Queue,
    wire::{close::ClosedBy, utf8},
};

use reassembly::Reassembly;
use timers::Timers;

pub use wants::Wants;

/// The role of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The endpoint that connects. It masks every frame that it sends (RFC 6455 5.3).
    Client,
    /// The endpoint that accepts.
    Server,
}

/// One end of a WebSocket connection: a state machine over bytes and time, without any I/O.
///
/// There are four kinds of methods:
///
/// 1. **Constructors**: [`accepting`](Self::accepting), [`connecting`](Self::connecting),
///    [`upgraded`](Self::upgraded).
/// 2. **Input**: [`next_event`](Self::next_event) (bytes that were read),
///    [`handle_eof`](Self::handle_eof), [`handle_lost`](Self::handle_lost),
///    [`handle_timeout`](Self::handle_timeout), [`handle_shutdown`](Self::handle_shutdown).
/// 3. **Requests of the application**: [`accept`](Self::accept), [`reject`](Self::reject),
///    `send_*`, [`start`](Self::start) … [`finish`](Self::finish), [`close`](Self::close).
/// 4. **Work for the driver**: [`wants`](Self::wants), [`outgoing`](Self::outgoing),
///    [`sent`](Self::sent).
///
/// One turn of a driver sets the time ([`Env::set_now`]), reads into [`Input::spare`](crate::Input::spare), calls
/// [`next_event`](Self::next_event) until it returns `Ok(None)`, writes [`outgoing`](Self::outgoing) and
/// reports that with [`sent`](Self::sent), and finally asks [`wants`](Self::wants) what to wait for, or
/// whether another event is available already.
///
/// A connection between messages owns no memory outside of itself, unless it keeps a compression context
/// (RFC 7692 7.1.1). No method panics, whatever the peer sends.
///
/// ```
/// # extern crate alloc;
/// # use alloc::sync::Arc;
/// use wsproto::{ClientRequest, Config, Connection, Entropy, Env, Event, Input};
///
/// # struct Fixed;
/// # impl Entropy for Fixed { fn fill(&mut self, buf: &mut [u8]) { buf.fill(7) } }
/// # fn carry(from: &mut Connection, env: &mut Env, to: &mut Input<Vec<u8>>) {
/// #     while let Some(len) = from.outgoing().next().map(|bytes| {
/// #         to.spare()[..bytes.len()].copy_from_slice(bytes);
/// #         bytes.len()
/// #     }) {
/// #         to.filled(len);
/// #         from.sent(env, len);
/// #     }
/// # }
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let config = Arc::new(Config::default());
/// let mut env = Env::new(Fixed); // a real one uses a cryptographic generator
/// let mut server = Connection::accepting(config.clone(), &mut env);
/// let mut client = Connection::connecting(config, &ClientRequest::new("localhost", "/"), &mut env)?;
/// let (mut to_server, mut to_client) = (Input::new(vec![0; 4096]), Input::new(vec![0; 4096]));
///
/// carry(&mut client, &mut env, &mut to_server); // stands for a network
/// assert!(matches!(server.next_event(&mut env, &mut to_server)?, Some(Event::Request(_))));
/// server.accept(&mut env, &Default::default())?;
///
/// carry(&mut server, &mut env, &mut to_client);
/// assert!(matches!(client.next_event(&mut env, &mut to_client)?, Some(Event::Open(_))));
/// client.send_text(&mut env, "hello")?;
///
/// carry(&mut client, &mut env, &mut to_server);
/// while let Some(event) = server.next_event(&mut env, &mut to_server)? {
///     let Event::Text(text) = event else { continue };
///     server.send_text(&mut env, &text)?; // the event borrows the input, not the connection
/// }
///
/// carry(&mut server, &mut env, &mut to_client);
/// let Some(Event::Text(echo)) = client.next_event(&mut env, &mut to_client)? else { panic!() };
/// assert_eq!(&*echo, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection {
    config: Arc<Config>,
    /// The opening handshake, until it is complete.
    opening: Option<Box<Opening>>,
    /// Bytes and events that wait between calls: messages under way, and input that was set aside.
    partial: Option<Box<Partial>>,
    /// Frames waiting to be sent. `None` when there are none.
    queue: Option<Box<Queue>>,
    timers: Timers,
    /// Position in the stream of incoming frames.
    reassembly: Reassembly,
    /// Compression, if it was negotiated.
    deflate: Option<Deflate>,
    /// The message begun by `start`, until `finish`.
    outgoing_message: Option<OutgoingMessage>,
    phase: Phase,
    role: Role,
    /// The party or event that ended or will end the connection, once it is known.
    closed_by: Option<ClosedBy>,
    /// The end of the connection, to be reported although no input brings it.
    notice: Option<Notice>,
    transport: Transport,
    /// Fill level of the queue.
    backlog: Backlog,
    /// True while the application takes no further input.
    paused: bool,
    /// True while a send runs that was admitted before; see [`send_admitted`](Self::send_admitted).
    admitted: bool,
}

/// State of the connection; see the diagram of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The opening handshake is under way.
    Opening,
    /// The connection is open: messages may be sent and received.
    Open,
    /// Our Close frame is queued or sent, and the peer's has not come (RFC 6455 7.1.3).
    Closing,
    /// Nothing further is received. The queue is still sent, then the transport is ended in order.
    Ending,
    /// The connection is over: nothing is received or sent any more.
    Over,
}

/// An outgoing message of unknown length, sent in parts.
#[derive(Debug, Clone, Copy)]
struct OutgoingMessage {
    kind: Kind,
    /// True if the first frame is queued.
    begun: bool,
    compressed: bool,
    utf8: utf8::Carry,
}

/// The end of a connection, to be reported although no input brings it.
#[derive(Debug, Clone, Copy)]
enum Notice {
    /// A deadline passed and the connection failed.
    Failed(Deadline),
    /// The connection is over, for the reason in [`Connection::closed_by`].
    Closed,
}

/// State of the transport. Its two sides end independently of each other.
#[derive(Debug, Clone, Copy)]
struct Transport {
    reading: Reading,
    writing: Writing,
}

/// The side of the transport on which the peer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    /// The peer has ended its side.
    Ended,
}

/// The side of the transport on which we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Open,
    /// The driver is to shut it when everything is sent.
    ShutWhenSent,
    /// The driver has shut it.
    Shut,
    /// A write failed: nothing can be sent. Replaces every earlier state.
    Lost,
}

/// Fill level of the queue, with the hysteresis of [`queue_high`](Config::queue_high) and
/// [`queue_low`](Config::queue_low).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backlog {
    /// The queue has not been high since it last drained.
    Low,
    /// The queue was high and has not drained yet.
    High,
    /// The queue was high and has drained, which is to be reported. If it is high again before the report,
    /// there is nothing to report: the next time that it drains is reported instead.
    Drained,
}

impl Transport {
    fn is_lost(self) -> bool {
        self.writing == Writing::Lost
    }

    fn has_ended(self) -> bool {
        self.reading == Reading::Ended
    }
}

impl Connection {
    /// Creates an open connection over a transport whose opening handshake was completed elsewhere, for
    /// example by an HTTP library.
    ///
    /// `agreed` is the result of that handshake. Bytes that came behind the head belong in the [`Input`](crate::Input).
    #[must_use]
    pub fn upgraded(role: Role, config: Arc<Config>, agreed: &Agreed, env: &mut Env) -> Self {
        let mut connection = Self::new(role, config, env);
        connection.open(env, agreed.deflate);
        connection
    }

    fn new(role: Role, config: Arc<Config>, env: &Env) -> Self {
        let timers = Timers::new(env.now());
        Self {
            config,
            opening: None,
            partial: None,
            queue: None,
            timers,
            reassembly: Reassembly::default(),
            deflate: None,
            outgoing_message: None,
            phase: Phase::Opening,
            role,
            closed_by: None,
            notice: None,
            transport: Transport {
                reading: Reading::Open,
                writing: Writing::Open,
            },
            backlog: Backlog::Low,
            paused: false,
            admitted: false,
        }
    }

    /// Changes the phase, and sets its deadline.
    fn enter(&mut self, env: &mut Env, phase: Phase) {
        // A lost transport cannot be ended in order.
        let phase = match phase {
            Phase::Ending if self.transport.is_lost() => Phase::Over,
            phase => phase,
        };
        self.phase = phase;
        let span = match phase {
            Phase::Opening => self.config.opening_timeout,
            Phase::Open => self.config.max_lifetime,
            Phase::Closing | Phase::Ending => self.config.close_timeout,
            Phase::Over => {
                self.drop_queue(env);
                None
            }
        };
        self.timers.begin_phase(env.now(), span);
    }

    /// Completes the opening handshake.
    fn open(&mut self, env: &mut Env, deflate: Option<Parameters>) {
        self.deflate = deflate.map(Deflate::new);
        self.timers.byte_received(env.now());
        self.timers.last_message_at = env.now();
        self.enter(env, Phase::Open);
    }

    /// Returns the role of this endpoint.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Returns the configuration: the one that the connection was made with, or the one that replaced it when
    /// the request was [accepted](crate::Accept::config).
    #[must_use]
    #[inline]
    pub const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Returns true if compression was negotiated.
    #[must_use]
    pub const fn has_compression(&self) -> bool {
        self.deflate.is_some()
    }

    /// Returns true if the opening handshake is complete and no Close frame is queued.
    ///
    /// A write may have [failed](Self::handle_lost) all the same: then every send returns
    /// [`SendError::Closed`].
    #[must_use]
    #[inline]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Checks that messages and control frames may be sent.
    #[inline]
    fn check_open(&self) -> Result<(), SendError> {
        match self.phase {
            Phase::Open if self.transport.is_lost() => Err(SendError::Closed),
            Phase::Open => Ok(()),
            Phase::Opening => Err(SendError::NotOpen),
            Phase::Closing | Phase::Ending | Phase::Over => Err(SendError::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_stays_small() {
        assert!(
            size_of::<Connection>() <= 160,
            "{} bytes",
            size_of::<Connection>()
        );
    }
}
