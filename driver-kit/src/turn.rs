//! One turn of one connection over non-blocking `Read + Write`: read, handle, flush. The order is the
//! [`Stepper`]'s, which asynchronous drivers use as well.

mod budget;
mod stepper;

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use wsproto::{Connection, Env, Error, Event, Input, Wants};

pub use self::{
    budget::{MAX_EVENTS, MAX_READS, TurnBudget},
    stepper::{Step, Stepper},
};

/// Slices of one vectored write.
const MAX_SLICES: usize = 64;

/// The read readiness of a transport.
///
/// Edge-triggered pollers report readiness once, so a driver keeps this beside the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// Nothing is at hand: a read would block.
    No,
    /// Something may be at hand. A read that fills less than its buffer has taken all of it.
    Yes,
    /// Something may be at hand and behind it the end of the stream, or the transport keeps bytes of its own:
    /// a short read proves nothing. Reads go on until one would block or finds the end.
    UntilEnd,
}

impl Readable {
    /// Returns what is known after a read into `room` bytes.
    fn after(self, read: &io::Result<usize>, room: usize) -> Self {
        match read {
            Ok(0) | Err(_) => Self::No,
            Ok(n) if *n < room && self == Self::Yes => Self::No,
            Ok(_) => self,
        }
    }
}

/// One turn of one connection: reads what is there, hands every event to `on`, and writes what that leads
/// to, all frames in as few writes as possible.
///
/// Set the time before ([`Env::set_now`]), and if a deadline has passed, tell the connection. The returned
/// [`Wants`] say what to wait for; if [`shutdown`](Wants::shutdown) is set, shut the stream's writing side and
/// tell the connection. A turn ends after [`MAX_READS`] reads even if there is more to read, which `readable`
/// shows then, and after [`MAX_EVENTS`] events even if there are more, which [`Wants::event`] shows: call it
/// again when the other connections have had their turn.
///
/// While the connection [holds back](Connection::holds_back), `on` gets no further event of the input: the
/// rest of what was read is set aside.
///
/// # Errors
/// The error that the transport reported. The connection was told, and `on` has had its last event.
pub fn turn<S: Read + Write, B: AsMut<[u8]>>(
    connection: &mut Connection,
    env: &mut Env,
    input: &mut Input<B>,
    stream: &mut S,
    readable: &mut Readable,
    mut on: impl FnMut(&mut Connection, &mut Env, Result<Event<'_>, Error>),
) -> io::Result<Wants> {
    let mut result = Ok(());
    let mut budget = TurnBudget::default();
    let (mut stepper, mut step) = Stepper::push(connection, input, &mut budget, env.now());
    loop {
        step = match step {
            Step::Event => {
                // Nearly all events are messages that lie whole in the input. Taken this way, they are never
                // constructed in memory; only at the end of a batch is the fast path tried twice.
                if let Some(event) = connection.next_message(env, input) {
                    on(connection, env, Ok(event));
                    stepper.event_taken(connection, &mut budget)
                } else {
                    match connection.next_event(env, input) {
                        Ok(Some(event)) => {
                            on(connection, env, Ok(event));
                            stepper.event_taken(connection, &mut budget)
                        }
                        Ok(None) => stepper.no_event(),
                        Err(error) => {
                            on(connection, env, Err(error));
                            stepper.no_event()
                        }
                    }
                }
            }
            Step::Flush => {
                let flushed = flush(connection, env, stream);
                result = result.and(flushed);
                stepper.flushed(connection, &mut budget, env.now())
            }
            Step::Read if *readable == Readable::No => stepper.read_blocked(),
            Step::Read => {
                let room = input.spare().len();
                match read(stream, input.spare()) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        *readable = Readable::No;
                        stepper.read_blocked()
                    }
                    read => {
                        *readable = readable.after(&read, room);
                        let told = handle_read(connection, env, input, &mut budget, room, read);
                        result = result.and(told);
                        stepper.news(connection, &budget)
                    }
                }
            }
            // The caller shuts the writing side.
            Step::Shutdown => stepper.shutdown_blocked(&mut budget, env.now()),
            Step::Wait(_) | Step::Pause | Step::Over => break,
        };
    }
    // Even if the transport has failed: the input serves another connection next.
    let wants = if input.is_empty() {
        stepper.wants()
    } else {
        connection.set_aside(env, input);
        connection.wants()
    };
    result.map(|()| wants)
}

/// Reads once.
fn read(stream: &mut impl Read, spare: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(spare) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Tells the connection, the input and the budget how a read into the first `room` bytes of [`Input::spare`]
/// ended: with bytes, with 0 at the end of the stream, or with an error. Not for a read that would block or was
/// interrupted.
///
/// # Errors
/// The error of the read.
#[inline]
pub fn handle_read<B: AsMut<[u8]>>(
    connection: &mut Connection,
    env: &mut Env,
    input: &mut Input<B>,
    budget: &mut TurnBudget,
    room: usize,
    read: io::Result<usize>,
) -> io::Result<()> {
    match read {
        Ok(0) => {
            connection.handle_eof(env);
            Ok(())
        }
        Ok(n) => {
            input.filled(n);
            budget.count_read(n, room);
            Ok(())
        }
        Err(error) => {
            connection.handle_lost(env);
            connection.handle_eof(env);
            Err(error)
        }
    }
}

/// Writes what is queued until the transport would block or nothing is left.
fn flush(connection: &mut Connection, env: &mut Env, stream: &mut impl Write) -> io::Result<()> {
    while connection.queued() > 0 {
        let written = write_queued(connection, |slices| match slices {
            [slice] => stream.write(slice),
            slices => stream.write_vectored(slices),
        });
        match written {
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            written => handle_write(connection, env, written)?,
        }
    }
    Ok(())
}

/// Hands what is queued to `write`, as slices for one vectored write.
#[inline]
pub fn write_queued<T>(connection: &Connection, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
    let mut outgoing = connection.outgoing();
    let (first, second) = (outgoing.next(), outgoing.next());
    // Most often there is one buffer, and to fill the array would cost more than everything else here.
    let Some(second) = second else {
        return write(&[IoSlice::new(first.unwrap_or_default())]);
    };
    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
    let mut count = 0;
    let bytes = first.into_iter().chain([second]).chain(outgoing);
    for (slot, bytes) in slices.iter_mut().zip(bytes) {
        *slot = IoSlice::new(bytes);
        count += 1;
    }
    write(&slices[..count])
}

/// Tells the connection how a [write](write_queued) ended, unless it would block or was interrupted.
///
/// # Errors
/// The error of the write, and [`ErrorKind::WriteZero`] if the transport took nothing.
#[inline]
pub fn handle_write(
    connection: &mut Connection,
    env: &mut Env,
    written: io::Result<usize>,
) -> io::Result<()> {
    let error = match written {
        Ok(0) => ErrorKind::WriteZero.into(),
        Ok(n) => {
            connection.sent(env, n);
            return Ok(());
        }
        Err(error) => error,
    };
    connection.handle_lost(env);
    Err(error)
}

#[cfg(test)]
mod tests;
